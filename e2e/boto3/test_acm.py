"""ACM, through boto3."""

import unittest

import cloud
from cloud import client, gap

ARN = "arn:aws:acm:us-west-2:123456789012:certificate/"
WEB, CURVE, OLD, GONE = (ARN + name for name in ("web", "curve", "old", "gone"))
ALL_KEYS = ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]
AUTHORITY = "arn:aws:acm-pca:us-west-2:123456789012:certificate-authority/one"


class Case(cloud.Case):
    seed = "services.yaml"

    def setUp(self):
        super().setUp()
        self.acm = client("acm")

    def listed(self, **kwargs):
        return [one["CertificateArn"] for one in self.acm.list_certificates(**kwargs)["CertificateSummaryList"]]

    def request(self, domain="new.example.com", **kwargs):
        return self.acm.request_certificate(DomainName=domain, **{"ValidationMethod": "DNS"} | kwargs)["CertificateArn"]

    def described(self, arn):
        return self.acm.describe_certificate(CertificateArn=arn)["Certificate"]


class Lists(Case):
    @gap("acm-keys-and-states")
    def test_keys_and_states_narrow_the_list(self):
        self.assertEqual(sorted(self.listed()), [OLD, WEB])
        self.assertEqual(self.listed(CertificateStatuses=["ISSUED"]), [WEB])
        found = self.listed(CertificateStatuses=["ISSUED"], Includes={"keyTypes": ALL_KEYS})
        self.assertEqual(sorted(found), [CURVE, WEB])

    @gap("acm-list")
    def test_pages_follow_each_other(self):
        include = {"keyTypes": ALL_KEYS}
        pages = self.acm.get_paginator("list_certificates").paginate(Includes=include, PaginationConfig={"PageSize": 2})
        found = [[one["CertificateArn"] for one in page["CertificateSummaryList"]] for page in pages]
        self.assertEqual(found, [[CURVE, OLD], [WEB]])

    @gap("acm-list")
    def test_a_summary_names_all_domains(self):
        summary = next(
            one for one in self.acm.list_certificates()["CertificateSummaryList"] if one["CertificateArn"] == WEB
        )
        self.assertEqual(summary["SubjectAlternativeNameSummaries"], ["web.example.com", "*.web.example.com"])
        self.assertEqual((summary["Status"], summary["KeyAlgorithm"]), ("ISSUED", "RSA_2048"))
        self.assertFalse(summary["InUse"])

    @gap("acm-checks")
    def test_parameters_are_checked(self):
        for wrong in (
            {"MaxItems": 0},
            {"MaxItems": 1001},
            {"NextToken": "made-up"},
            {"CertificateStatuses": ["DONE"]},
            {"Includes": {"keyTypes": ["RSA"]}},
            {"SortBy": "CREATED_AT"},
        ):
            with self.subTest(wrong):
                self.refused("ValidationException", self.acm.list_certificates, **wrong)

    @gap("acm-list")
    def test_the_latest_comes_first_when_asked_for(self):
        new = self.request()
        found = self.listed(SortBy="CREATED_AT", SortOrder="DESCENDING", MaxItems=1)
        self.assertEqual(found, [new])


class Certificates(Case):
    def test_domains_are_described(self):
        found = self.described(WEB)
        self.assertEqual(sorted(found["SubjectAlternativeNames"]), ["*.web.example.com", "web.example.com"])
        self.assertEqual(found["DomainName"], "web.example.com")

    def test_unknown_ones_are_refused(self):
        for call in (self.acm.describe_certificate, self.acm.list_tags_for_certificate, self.acm.delete_certificate):
            self.refused("ResourceNotFoundException", call, CertificateArn=GONE)

    @gap("acm-checks")
    def test_what_is_no_certificate_is_refused(self):
        for call in (self.acm.describe_certificate, self.acm.delete_certificate):
            self.refused("InvalidArnException", call, CertificateArn="arn:aws:iam::123456789012:server-certificate/x")

    def test_a_request_is_pending_with_a_record_and_then_issued(self):
        arn = self.request(SubjectAlternativeNames=["*.new.example.com"])
        found = self.described(arn)
        self.assertEqual((found["Status"], found["Type"]), ("PENDING_VALIDATION", "AMAZON_ISSUED"))
        self.assertEqual(sorted(found["SubjectAlternativeNames"]), ["*.new.example.com", "new.example.com"])
        option = next(one for one in found["DomainValidationOptions"] if one["DomainName"] == "new.example.com")
        self.assertEqual((option["ValidationMethod"], option["ResourceRecord"]["Type"]), ("DNS", "CNAME"))
        with gap("acm-keys-and-states"):
            self.eventually(lambda: self.described(arn)["Status"], "ISSUED")

    def test_a_private_certificate_is_issued_at_once(self):
        arn = self.acm.request_certificate(DomainName="in.example.com", CertificateAuthorityArn=AUTHORITY)["CertificateArn"]
        found = self.described(arn)
        self.assertEqual((found["Status"], found["Type"]), ("ISSUED", "PRIVATE"))
        self.assertEqual(found["CertificateAuthorityArn"], AUTHORITY)

    def test_a_token_makes_requests_one(self):
        self.assertEqual(self.request(IdempotencyToken="a"), self.request(IdempotencyToken="a"))
        self.assertNotEqual(self.request(IdempotencyToken="b"), self.request(IdempotencyToken="c"))
        with gap("acm-token"):
            other = self.request(IdempotencyToken="a", SubjectAlternativeNames=["x.example.com"])
            self.assertNotEqual(other, self.request(IdempotencyToken="a"))

    @gap("acm-checks")
    def test_requests_are_checked(self):
        refused = lambda code, domain="a.example.com", **kwargs: self.refused(
            code, self.acm.request_certificate, DomainName=domain, **kwargs
        )
        refused("ValidationException", "com")
        refused("ValidationException", "a_b.example.com")
        refused("ValidationException", KeyAlgorithm="RSA")
        refused("LimitExceededException", SubjectAlternativeNames=[f"{n}.example.com" for n in range(10)])
        refused("InvalidArnException", CertificateAuthorityArn=WEB)

    @gap("acm-keys-and-states")
    def test_the_key_algorithm_is_kept(self):
        self.assertEqual(self.described(self.request(KeyAlgorithm="EC_prime256v1"))["KeyAlgorithm"], "EC_prime256v1")

    def test_tags_are_added_and_listed(self):
        tags = lambda: cloud.tag_map(self.acm.list_tags_for_certificate(CertificateArn=WEB)["Tags"])
        self.acm.add_tags_to_certificate(CertificateArn=WEB, Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}])
        self.assertEqual(tags(), {"cluster": "one", "a": "b", "c": ""})
        self.acm.add_tags_to_certificate(CertificateArn=WEB, Tags=[{"Key": "a", "Value": "d"}])
        self.assertEqual(tags()["a"], "d")
        new = self.request(Tags=[{"Key": "x", "Value": "y"}])
        self.assertEqual(self.acm.list_tags_for_certificate(CertificateArn=new)["Tags"], [{"Key": "x", "Value": "y"}])

    def test_tags_are_limited(self):
        add = self.acm.add_tags_to_certificate
        many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
        self.refused("TooManyTagsException", add, CertificateArn=WEB, Tags=many)
        with gap("acm-checks"):
            self.refused("InvalidTagException", add, CertificateArn=WEB, Tags=[{"Key": "aws:x", "Value": ""}])
        self.refused("ResourceNotFoundException", add, CertificateArn=GONE, Tags=many[:1])


class Listeners(Case):
    def setUp(self):
        super().setUp()
        self.elb = client("elbv2")
        subnets = ["subnet-0servicesa", "subnet-0servicesb"]
        made = self.elb.create_load_balancer(Name="web", Type="application", Scheme="internal", Subnets=subnets)
        self.load_balancer = made["LoadBalancers"][0]["LoadBalancerArn"]

    def listener(self, certificate, port=443):
        fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        return self.elb.create_listener(
            LoadBalancerArn=self.load_balancer, Protocol="HTTPS", Port=port,
            Certificates=[{"CertificateArn": certificate}], DefaultActions=fixed,
        )["Listeners"][0]["ListenerArn"]

    @gap("acm-in-use")
    def test_one_in_use_cannot_be_deleted(self):
        listener = self.listener(WEB)
        self.assertEqual(self.described(WEB)["InUseBy"], [self.load_balancer])
        self.refused("ResourceInUseException", self.acm.delete_certificate, CertificateArn=WEB)
        self.elb.delete_listener(ListenerArn=listener)
        self.acm.delete_certificate(CertificateArn=WEB)
        self.refused("ResourceNotFoundException", self.acm.describe_certificate, CertificateArn=WEB)

    def test_only_an_issued_one_is_taken(self):
        with gap("acm-unissued"):
            self.refused("UnsupportedCertificate", self.listener, OLD)
        self.refused("CertificateNotFound", self.listener, GONE, 444)
        self.listener(CURVE, 445)


if __name__ == "__main__":
    unittest.main()
