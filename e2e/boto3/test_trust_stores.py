"""Trust stores and mutual TLS of listeners, through boto3."""

import unittest

import cloud
from cloud import client, gap

GONE = "arn:aws:elasticloadbalancing:us-west-2:123456789012:truststore/gone/0123456789abcdef"
WEB = "arn:aws:acm:us-west-2:123456789012:certificate/web"
OFF, PASSTHROUGH = {"Mode": "off"}, {"Mode": "passthrough"}


def bundle(key="three.pem"):
    return {"CaCertificatesBundleS3Bucket": "bundles", "CaCertificatesBundleS3Key": key}


def lists(*keys):
    return [{"S3Bucket": "bundles", "S3Key": key, "RevocationType": "CRL"} for key in keys]


class Case(cloud.Case):
    seed = "services.yaml"

    def setUp(self):
        super().setUp()
        self.elb = client("elbv2")

    def store(self, name="one", key="three.pem", **kwargs):
        return self.elb.create_trust_store(Name=name, **bundle(key), **kwargs)["TrustStores"][0]


class TrustStores(Case):
    @gap("trust-stores")
    def test_a_new_one_is_described_by_arn_and_name(self):
        made = self.store()
        self.assertRegex(made["TrustStoreArn"], r":truststore/one/[0-9a-f]{16}$")
        self.assertEqual((made["Name"], made["Status"]), ("one", "ACTIVE"))
        self.assertEqual((made["NumberOfCaCertificates"], made["TotalRevokedEntries"]), (3, 0))
        describe = self.elb.describe_trust_stores
        self.assertEqual(describe(TrustStoreArns=[made["TrustStoreArn"]])["TrustStores"], [made])
        self.assertEqual(describe(Names=["one"])["TrustStores"], [made])
        self.refused("TrustStoreNotFound", describe, Names=["one", "two"])
        self.refused("TrustStoreNotFound", describe, TrustStoreArns=[GONE])
        self.refused("ValidationError", describe, TrustStoreArns=["one"])
        self.refused("ValidationError", describe, TrustStoreArns=[GONE], Names=["one"])

    @gap("trust-stores")
    def test_pages_follow_each_other(self):
        made = sorted(self.store(name)["TrustStoreArn"] for name in ("a", "b", "c"))
        pages = self.elb.get_paginator("describe_trust_stores").paginate(PaginationConfig={"PageSize": 2})
        found = [[one["TrustStoreArn"] for one in page["TrustStores"]] for page in pages]
        self.assertEqual(found, [made[:2], made[2:]])

    @gap("trust-stores")
    def test_creation_and_change_are_checked(self):
        self.refused("CaCertificatesBundleNotFound", self.store, key="gone.pem")
        self.refused("InvalidCaCertificatesBundle", self.store, key="empty.pem")
        self.refused("ValidationError", self.store, "a_b")
        self.refused("DuplicateTagKeys", self.store, Tags=[{"Key": "a", "Value": ""}] * 2)
        arn = self.store()["TrustStoreArn"]
        self.refused("DuplicateTrustStoreName", self.store)
        modify = self.elb.modify_trust_store
        changed = modify(TrustStoreArn=arn, **bundle("one.pem"))["TrustStores"][0]
        self.assertEqual(changed["NumberOfCaCertificates"], 1)
        self.refused("CaCertificatesBundleNotFound", modify, TrustStoreArn=arn, **bundle("gone.pem"))
        self.refused("TrustStoreNotFound", modify, TrustStoreArn=GONE, **bundle())
        for number in range(19):
            self.store(f"store-{number}")
        self.refused("TooManyTrustStores", self.store, "store-19")

    @gap("trust-stores")
    def test_tags(self):
        arn = self.store(Tags=[{"Key": "a", "Value": "b"}])["TrustStoreArn"]
        self.elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "c", "Value": "d"}])
        self.elb.remove_tags(ResourceArns=[arn], TagKeys=["a"])
        found = self.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
        self.assertEqual(found, [{"Key": "c", "Value": "d"}])
        self.refused("TrustStoreNotFound", self.elb.describe_tags, ResourceArns=[GONE])

    @gap("trust-stores")
    def test_revocations_are_added_listed_paged_and_removed(self):
        arn = {"TrustStoreArn": self.store()["TrustStoreArn"]}
        add, remove = self.elb.add_trust_store_revocations, self.elb.remove_trust_store_revocations
        describe = self.elb.describe_trust_store_revocations
        added = add(RevocationContents=lists("one.crl", "two.crl"), **arn)["TrustStoreRevocations"]
        self.assertEqual([one["NumberOfRevokedEntries"] for one in added], [1, 2])
        ids = [one["RevocationId"] for one in added]
        pages = self.elb.get_paginator("describe_trust_store_revocations").paginate(PaginationConfig={"PageSize": 1}, **arn)
        self.assertEqual([page["TrustStoreRevocations"] for page in pages], [[one] for one in added])
        self.assertEqual(describe(RevocationIds=ids[1:], **arn)["TrustStoreRevocations"], added[1:])
        self.assertEqual(self.elb.describe_trust_stores()["TrustStores"][0]["TotalRevokedEntries"], 3)
        remove(RevocationIds=ids[:1], **arn)
        self.refused("RevocationIdNotFound", remove, RevocationIds=ids[:1], **arn)
        self.refused("RevocationIdNotFound", describe, RevocationIds=ids[:1], **arn)
        self.refused("RevocationContentNotFound", add, RevocationContents=lists("gone.crl"), **arn)
        self.refused("InvalidRevocationContent", add, RevocationContents=lists("one.pem"), **arn)
        self.refused("TooManyTrustStoreRevocationEntries", add, RevocationContents=lists("big.crl"), **arn)
        self.refused("TrustStoreNotFound", add, TrustStoreArn=GONE, RevocationContents=lists("one.crl"))
        self.refused("TrustStoreNotFound", describe, TrustStoreArn=GONE)
        self.refused("TrustStoreNotFound", remove, TrustStoreArn=GONE, RevocationIds=ids)


class MutualAuthentication(Case):
    def setUp(self):
        super().setUp()
        subnets = ["subnet-0servicesa", "subnet-0servicesb"]
        made = self.elb.create_load_balancer(Name="web", Type="application", Scheme="internal", Subnets=subnets)
        self.load_balancer = made["LoadBalancers"][0]["LoadBalancerArn"]

    def listener(self, port=443, **kwargs):
        fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        secure = {"Protocol": "HTTPS", "Certificates": [{"CertificateArn": WEB}]}
        settings = secure | {"Port": port, "DefaultActions": fixed} | kwargs
        return self.elb.create_listener(LoadBalancerArn=self.load_balancer, **settings)["Listeners"][0]

    def change(self, listener, **mutual):
        changed = self.elb.modify_listener(ListenerArn=listener, MutualAuthentication=mutual)["Listeners"][0]
        self.assertEqual(self.elb.describe_listeners(ListenerArns=[listener])["Listeners"], [changed])
        return changed["MutualAuthentication"]

    @gap("mutual-tls")
    def test_it_is_off_at_first_and_can_be_changed(self):
        made = self.listener()
        self.assertEqual(made["MutualAuthentication"], OFF)
        listener, store = made["ListenerArn"], self.store()["TrustStoreArn"]
        shown = self.change(listener, Mode="verify", TrustStoreArn=store)
        verify = {"Mode": "verify", "TrustStoreArn": store, "TrustStoreAssociationStatus": "active"}
        self.assertEqual(shown, verify | {"IgnoreClientCertificateExpiry": False, "AdvertiseTrustStoreCaNames": "off"})
        more = {"IgnoreClientCertificateExpiry": True, "AdvertiseTrustStoreCaNames": "on"}
        self.assertEqual(self.change(listener, Mode="verify", TrustStoreArn=store, **more), verify | more)
        found = self.elb.describe_trust_store_associations(TrustStoreArn=store)["TrustStoreAssociations"]
        self.assertEqual(found, [{"ResourceArn": listener}])
        self.refused("TrustStoreInUse", self.elb.delete_trust_store, TrustStoreArn=store)
        kept = self.elb.modify_listener(ListenerArn=listener, Port=8443)["Listeners"][0]
        self.assertEqual(kept["MutualAuthentication"]["Mode"], "verify")
        self.assertEqual(self.change(listener, Mode="passthrough", TrustStoreArn=""), PASSTHROUGH)
        self.assertEqual(self.change(listener, **OFF), OFF)
        self.elb.delete_trust_store(TrustStoreArn=store)
        self.refused("TrustStoreNotFound", self.elb.delete_trust_store, TrustStoreArn=store)
        self.refused("TrustStoreNotFound", self.elb.describe_trust_store_associations, TrustStoreArn=store)

    @gap("mutual-tls")
    def test_what_does_not_fit_the_mode_is_refused(self):
        listener, store = self.listener()["ListenerArn"], self.store()["TrustStoreArn"]
        verify = {"Mode": "verify", "TrustStoreArn": store}
        for wrong in (
            {"Mode": "on"}, {"Mode": "verify"}, {"Mode": "verify", "TrustStoreArn": "one"},
            OFF | {"TrustStoreArn": store}, PASSTHROUGH | {"IgnoreClientCertificateExpiry": False},
            OFF | {"AdvertiseTrustStoreCaNames": "off"}, verify | {"AdvertiseTrustStoreCaNames": "yes"},
        ):
            with self.subTest(wrong):
                self.refused("ValidationError", self.change, listener, **wrong)
        self.refused("TrustStoreNotFound", self.change, listener, Mode="verify", TrustStoreArn=GONE)
        self.listener(444, MutualAuthentication=verify)
        self.listener(445, MutualAuthentication=verify)
        self.refused("TooManyListeners", self.listener, 446, MutualAuthentication=verify)
        plain = {"Protocol": "HTTP", "Certificates": []}
        self.refused("ValidationError", self.listener, 80, MutualAuthentication=OFF, **plain)


if __name__ == "__main__":
    unittest.main()
