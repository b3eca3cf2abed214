"""The Resource Groups Tagging API, through boto3, which speaks CBOR to it; and the same in JSON."""

import json
import unittest
import urllib.request

import cloud
from cloud import URL, client, gap

SUBNETS = ["subnet-0servicesa", "subnet-0servicesb"]
WEB = "arn:aws:acm:us-west-2:123456789012:certificate/web"


class Case(cloud.Case):
    seed = "services.yaml"

    def setUp(self):
        super().setUp()
        self.elb = client("elbv2")
        self.tagging = client("resourcegroupstaggingapi")
        tags = [{"Key": "cluster", "Value": "one"}]
        made = self.elb.create_load_balancer(Name="web", Type="network", Scheme="internal", Subnets=SUBNETS, Tags=tags)
        self.load_balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
        group = {"Name": "web", "Protocol": "TCP", "Port": 80, "VpcId": "vpc-0services", "TargetType": "ip"}
        made = self.elb.create_target_group(**group, Tags=tags + [{"Key": "stack", "Value": "a"}])
        self.group = made["TargetGroups"][0]["TargetGroupArn"]

    def found(self, **kwargs):
        found = self.tagging.get_resources(**kwargs)["ResourceTagMappingList"]
        return [one["ResourceARN"] for one in found]

    def by(self, *filters, **kwargs):
        return self.found(TagFilters=[{"Key": key, "Values": values} for key, values in filters], **kwargs)

    def tags(self, arn):
        return cloud.tag_map(self.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"])


class Resources(Case):
    ELB = {"ResourceTypeFilters": ["elasticloadbalancing:loadbalancer", "elasticloadbalancing:targetgroup"]}

    def test_tags_narrow_what_is_found(self):
        both = [self.load_balancer, self.group]
        self.assertEqual(sorted(self.by(("cluster", ["two", "one"]), **self.ELB)), both)
        self.assertEqual(self.by(("cluster", ["one"]), ("stack", []), **self.ELB), [self.group])
        self.assertEqual(self.by(("cluster", ["two"]), **self.ELB), [])

    def test_types_narrow_what_is_found(self):
        self.assertEqual(self.found(ResourceTypeFilters=["elasticloadbalancing:targetgroup"]), [self.group])
        self.assertEqual(self.found(ResourceTypeFilters=["elasticloadbalancing:loadbalancer"]), [self.load_balancer])
        self.assertEqual(self.found(ResourceTypeFilters=["elasticloadbalancing:loadbalancer/app"]), [])
        self.assertEqual(len(self.by(("cluster", ["one"]), ResourceTypeFilters=["ec2:security-group"])), 1)

    @gap("tagging-types")
    def test_listeners_rules_and_certificates_are_found(self):
        forward = [{"Type": "forward", "TargetGroupArn": self.group}]
        tags = [{"Key": "cluster", "Value": "one"}]
        made = self.elb.create_listener(
            LoadBalancerArn=self.load_balancer, Protocol="TCP", Port=80, DefaultActions=forward, Tags=tags
        )
        listener = made["Listeners"][0]["ListenerArn"]
        self.assertEqual(self.found(ResourceTypeFilters=["elasticloadbalancing:listener"]), [listener])
        self.assertEqual(self.found(ResourceTypeFilters=["acm:certificate"]), [WEB])

    @gap("tagging-write")
    def test_what_has_no_tags_is_not_found(self):
        self.tagging.untag_resources(ResourceARNList=[self.load_balancer], TagKeys=["cluster"])
        self.assertEqual(self.found(ResourceTypeFilters=["elasticloadbalancing:loadbalancer"]), [])

    def test_tags_come_along(self):
        found = self.tagging.get_resources(ResourceTypeFilters=["elasticloadbalancing:targetgroup"])
        tags = cloud.tag_map(found["ResourceTagMappingList"][0]["Tags"])
        self.assertEqual(tags, {"cluster": "one", "stack": "a"})

    def test_pages_follow_each_other(self):
        pages = self.tagging.get_paginator("get_resources").paginate(**self.ELB, PaginationConfig={"PageSize": 1})
        found = [[one["ResourceARN"] for one in page["ResourceTagMappingList"]] for page in pages]
        self.assertEqual(sorted(found), [[self.load_balancer], [self.group]])

    @gap("tagging-checks")
    def test_parameters_are_checked(self):
        refused = lambda **kwargs: self.refused("InvalidParameterException", self.tagging.get_resources, **kwargs)
        refused(ResourcesPerPage=0)
        refused(ResourcesPerPage=101)
        self.refused("PaginationTokenExpiredException", self.tagging.get_resources, PaginationToken="made-up")
        refused(TagFilters=[{"Key": "a", "Values": [str(n) for n in range(21)]}])
        refused(ResourceARNList=[self.group], ResourceTypeFilters=["ec2"])


class Tags(Case):
    @gap("tagging-write")
    def test_resources_are_tagged_and_untagged(self):
        answer = self.tagging.tag_resources(ResourceARNList=[self.load_balancer], Tags={"elbv2.k8s.aws/cluster": "x"})
        self.assertEqual(answer["FailedResourcesMap"], {})
        self.assertEqual(self.tags(self.load_balancer), {"cluster": "one", "elbv2.k8s.aws/cluster": "x"})
        self.tagging.untag_resources(ResourceARNList=[self.load_balancer], TagKeys=["cluster", "none"])
        self.assertEqual(self.tags(self.load_balancer), {"elbv2.k8s.aws/cluster": "x"})

    @gap("tagging-failures")
    def test_every_resource_is_tagged_for_itself(self):
        gone = self.load_balancer[:-1] + "z"
        failed = self.tagging.tag_resources(ResourceARNList=[gone, self.group], Tags={"x": "y"})["FailedResourcesMap"]
        self.assertEqual(list(failed), [gone])
        self.assertEqual((failed[gone]["StatusCode"], failed[gone]["ErrorCode"]), (400, "InvalidParameterException"))
        self.assertEqual(self.tags(self.group)["x"], "y")

    @gap("tagging-checks")
    def test_requests_are_checked(self):
        tag, untag = self.tagging.tag_resources, self.tagging.untag_resources
        self.refused("InvalidParameterException", tag, ResourceARNList=[], Tags={"a": "b"})
        self.refused("InvalidParameterException", tag, ResourceARNList=[self.group] * 21, Tags={"a": "b"})
        self.refused("InvalidParameterException", tag, ResourceARNList=[self.group], Tags={})
        self.refused("InvalidParameterException", tag, ResourceARNList=[self.group], Tags={"aws:a": "b"})
        self.refused("InvalidParameterException", untag, ResourceARNList=[self.group], TagKeys=[])


class Json(Case):
    def test_the_json_protocol_is_spoken_too(self):
        body = json.dumps({"ResourceTypeFilters": ["elasticloadbalancing:targetgroup"]}).encode()
        request = urllib.request.Request(URL + "/", data=body, method="POST")
        request.add_header("Content-Type", "application/x-amz-json-1.1")
        request.add_header("X-Amz-Target", "ResourceGroupsTaggingAPI_20170126.GetResources")
        scope = "Credential=K/20260101/us-west-2/tagging/aws4_request"
        request.add_header("Authorization", f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00")
        with urllib.request.urlopen(request, timeout=10) as answer:
            found = json.load(answer)
        self.assertEqual([one["ResourceARN"] for one in found["ResourceTagMappingList"]], [self.group])


if __name__ == "__main__":
    unittest.main()
