"""EC2, STS and instance metadata, through boto3."""

import contextlib
import json
import unittest
import urllib.error
import urllib.request

import boto3

import cloud
from cloud import URL, client, gap, tag_map

VPC = "vpc-0e1b0000000000001"


def tcp(port, cidr, description=None):
    source = {"CidrIp": cidr}
    if description:
        source["Description"] = description
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [source]}


class Case(cloud.Case):
    def setUp(self):
        super().setUp()
        self.ec2 = client("ec2")

    def group(self, name, **kwargs):
        kwargs.setdefault("VpcId", VPC)
        return self.ec2.create_security_group(GroupName=name, Description=name, **kwargs)["GroupId"]

    def described(self, group_id):
        return self.ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]


class Networks(Case):
    def test_the_default_vpc_is_described(self):
        vpcs = self.ec2.describe_vpcs()["Vpcs"]
        with gap("ec2-default-vpc"):
            self.assertEqual([(v["VpcId"], v["CidrBlock"], v["IsDefault"]) for v in vpcs], [(VPC, "10.0.0.0/16", True)])
        self.assertEqual(vpcs[0]["CidrBlockAssociationSet"][0]["CidrBlockState"]["State"], "associated")
        self.assertEqual(vpcs[0]["State"], "available")

    def test_vpcs_are_found_by_tag_and_by_id(self):
        found = self.ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["default"]}])["Vpcs"]
        self.assertEqual(found[0]["VpcId"], VPC)
        self.assertEqual(self.ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["x"]}])["Vpcs"], [])
        self.assertEqual(len(self.ec2.describe_vpcs(VpcIds=[VPC])["Vpcs"]), 1)
        self.refused("InvalidVpcID.NotFound", self.ec2.describe_vpcs, VpcIds=["vpc-0"])

    def test_subnets_are_found_by_role_tag_vpc_and_zone(self):
        def ids(*filters):
            wanted = [{"Name": name, "Values": values} for name, values in filters]
            return sorted(s["AvailabilityZone"] for s in self.ec2.describe_subnets(Filters=wanted)["Subnets"])

        zones = ["us-west-2a", "us-west-2b", "us-west-2c"]
        self.assertEqual(ids(("vpc-id", [VPC]), ("tag:kubernetes.io/role/elb", ["", "1"])), zones)
        self.assertEqual(ids(("tag-key", ["kubernetes.io/role/internal-elb"])), zones)
        self.assertEqual(ids(("tag:Name", ["public-*"]), ("availability-zone", ["us-west-2b"])), ["us-west-2b"])
        self.assertEqual(ids(("tag:Name", ["private-?"]), ("availability-zone-id", ["usw2-az3"])), ["us-west-2c"])
        self.assertEqual(ids(("vpc-id", ["vpc-other"])), [])

    def test_a_subnet_has_zone_range_and_free_addresses(self):
        subnet = self.ec2.describe_subnets(SubnetIds=["subnet-0e1b000000000000a"])["Subnets"][0]
        self.assertEqual(subnet["CidrBlock"], "10.0.0.0/20")
        with gap("ec2-zones"):
            self.assertEqual((subnet["AvailabilityZone"], subnet["AvailabilityZoneId"]), ("us-west-2a", "usw2-az1"))
        self.assertEqual(subnet["AvailableIpAddressCount"], 4091)
        self.assertTrue(subnet["MapPublicIpOnLaunch"])
        self.assertNotIn("OutpostArn", subnet)
        self.assertEqual(tag_map(subnet["Tags"])["Name"], "public-a")

    def test_unknown_subnets_are_refused(self):
        answer = self.refused("InvalidSubnetID.NotFound", self.ec2.describe_subnets, SubnetIds=["subnet-0"])
        self.assertIn("subnet-0", answer["Error"]["Message"])

    def test_only_public_subnets_have_a_route_to_an_internet_gateway(self):
        tables = self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [VPC]}])["RouteTables"]
        public = set()
        for table in tables:
            self.assertIn("local", [route.get("GatewayId") for route in table["Routes"]])
            if any(route.get("GatewayId", "").startswith("igw-") for route in table["Routes"]):
                public |= {a["SubnetId"] for a in table["Associations"] if "SubnetId" in a}
        self.assertEqual(len(public), 3)
        main = [t for t in tables if any(a["Main"] for a in t["Associations"])]
        self.assertEqual(len(main), 1)
        by_subnet = self.ec2.describe_route_tables(
            Filters=[{"Name": "association.subnet-id", "Values": [sorted(public)[0]]}]
        )["RouteTables"]
        self.assertEqual(len(by_subnet), 1)
        self.refused("InvalidRouteTableID.NotFound", self.ec2.describe_route_tables, RouteTableIds=["rtb-0"])

    def test_zones_are_found_by_name_and_id(self):
        zones = self.ec2.describe_availability_zones()["AvailabilityZones"]
        with gap("ec2-zones"):
            self.assertEqual([z["ZoneName"] for z in zones], ["us-west-2a", "us-west-2b", "us-west-2c"])
        self.assertEqual({z["ZoneType"] for z in zones}, {"availability-zone"})
        by_id = self.ec2.describe_availability_zones(ZoneIds=["usw2-az2"])["AvailabilityZones"]
        with gap("ec2-zones"):
            self.assertEqual([z["ZoneName"] for z in by_id], ["us-west-2b"])
        by_filter = self.ec2.describe_availability_zones(Filters=[{"Name": "zone-id", "Values": ["usw2-az3"]}])
        self.assertEqual(by_filter["AvailabilityZones"][0]["ZoneName"], "us-west-2c")
        with gap("ec2-zones"):
            self.refused("InvalidParameterValue", self.ec2.describe_availability_zones, ZoneNames=["us-west-2z"])

    def test_an_unknown_filter_is_refused(self):
        wrong = [{"Name": "colour", "Values": ["red"]}]
        with gap("ec2-filters"):
            for call in (
                self.ec2.describe_vpcs,
                self.ec2.describe_subnets,
                self.ec2.describe_route_tables,
                self.ec2.describe_security_groups,
                self.ec2.describe_instances,
                self.ec2.describe_network_interfaces,
                self.ec2.describe_availability_zones,
            ):
                answer = self.refused("InvalidParameterValue", call, Filters=wrong)
                self.assertIn("colour", answer["Error"]["Message"])

    def test_more_than_two_hundred_filter_values_are_refused(self):
        def filters(count):
            return [{"Name": "vpc-id", "Values": [VPC] * count}]

        self.assertEqual(len(self.ec2.describe_vpcs(Filters=filters(200))["Vpcs"]), 1)
        with gap("ec2-filters"):
            self.refused("FilterLimitExceeded", self.ec2.describe_vpcs, Filters=filters(201))

    def test_subnets_come_in_pages(self):
        pages = list(self.ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5}))
        with gap("ec2-paging"):
            self.assertEqual([len(page["Subnets"]) for page in pages], [5, 1])
        ids = [s["SubnetId"] for page in pages for s in page["Subnets"]]
        self.assertEqual(len(set(ids)), 6)

    @gap("ec2-paging")
    def test_page_sizes_and_tokens_are_checked(self):
        self.refused("InvalidParameterValue", self.ec2.describe_subnets, MaxResults=4)
        self.refused("InvalidParameterValue", self.ec2.describe_subnets, MaxResults=1001)
        self.refused("InvalidParameterValue", self.ec2.describe_route_tables, MaxResults=101)
        self.refused("InvalidParameterValue", self.ec2.describe_subnets, NextToken="made-up")
        token = self.ec2.describe_subnets(MaxResults=5)["NextToken"]
        self.refused("InvalidParameterValue", self.ec2.describe_vpcs, NextToken=token)


class Instances(Case):
    def test_without_a_seed_there_are_no_instances_and_interfaces(self):
        self.assertEqual(self.ec2.describe_instances()["Reservations"], [])
        self.assertEqual(self.ec2.describe_network_interfaces()["NetworkInterfaces"], [])

    def test_unknown_ids_are_refused(self):
        self.refused("InvalidInstanceID.NotFound", self.ec2.describe_instances, InstanceIds=["i-0"])
        self.refused(
            "InvalidNetworkInterfaceID.NotFound", self.ec2.describe_network_interfaces, NetworkInterfaceIds=["eni-0"]
        )

    def test_every_filter_of_the_controller_is_known(self):
        for name in ("instance-id", "vpc-id", "private-ip-address", "instance-state-name", "tag:Name", "tag-key"):
            self.ec2.describe_instances(Filters=[{"Name": name, "Values": ["x"]}])
        for name in (
            "vpc-id",
            "addresses.private-ip-address",
            "ipv6-addresses.ipv6-address",
            "group-id",
            "description",
            "attachment.instance-id",
            "network-interface-id",
        ):
            self.ec2.describe_network_interfaces(Filters=[{"Name": name, "Values": ["x"]}])

    def test_ids_and_page_size_exclude_each_other(self):
        self.refused("InvalidParameterCombination", self.ec2.describe_instances, InstanceIds=["i-0"], MaxResults=5)


class SeededInstances(Case):
    seed = "nodes.yaml"

    def test_an_instance_has_its_interface_with_addresses_and_prefixes(self):
        found = self.ec2.describe_instances(InstanceIds=["i-0node1"])["Reservations"]
        instance = found[0]["Instances"][0]
        self.assertEqual((instance["State"]["Name"], instance["VpcId"]), ("running", "vpc-0nodes"))
        self.assertEqual(instance["Placement"]["AvailabilityZone"], "us-west-2a")
        interface = instance["NetworkInterfaces"][0]
        self.assertEqual(interface["Attachment"]["DeviceIndex"], 0)
        with gap("ec2-interfaces"):
            self.assertEqual([a["PrivateIpAddress"] for a in interface["PrivateIpAddresses"]], ["10.0.0.10", "10.0.0.11"])
        with gap("ec2-interfaces"):
            self.assertEqual([p["Ipv4Prefix"] for p in interface["Ipv4Prefixes"]], ["10.0.0.32/28"])
        self.assertEqual([g["GroupName"] for g in interface["Groups"]], ["nodes"])
        self.assertEqual(tag_map(instance["Tags"]), {"Name": "node-1"})

    def test_instances_come_in_pages_and_by_filter(self):
        pages = list(self.ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
        self.assertEqual([len(page["Reservations"]) for page in pages], [5, 1])
        ids = [r["Instances"][0]["InstanceId"] for page in pages for r in page["Reservations"]]
        self.assertEqual(len(set(ids)), 6)
        for name, value in (("private-ip-address", "10.0.0.10"), ("tag:Name", "node-1"), ("instance-id", "i-0node1")):
            found = self.ec2.describe_instances(Filters=[{"Name": name, "Values": [value]}])["Reservations"]
            self.assertEqual([r["Instances"][0]["InstanceId"] for r in found], ["i-0node1"], name)

    @gap("ec2-interfaces")
    def test_interfaces_are_found_by_any_of_their_addresses(self):
        for name, value in (
            ("addresses.private-ip-address", "10.0.0.10"),
            ("addresses.private-ip-address", "10.0.0.11"),
            ("ipv6-addresses.ipv6-address", "fd00:1::a"),
            ("attachment.instance-id", "i-0node1"),
        ):
            wanted = [{"Name": name, "Values": [value]}, {"Name": "vpc-id", "Values": ["vpc-0nodes"]}]
            found = self.ec2.describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]
            self.assertEqual([i["NetworkInterfaceId"] for i in found], ["eni-0node1"], name)
        interface = found[0]
        self.assertEqual(interface["Attachment"]["InstanceId"], "i-0node1")
        self.assertEqual(interface["Status"], "in-use")
        self.assertEqual([a["Ipv6Address"] for a in interface["Ipv6Addresses"]], ["fd00:1::a"])
        self.assertEqual([p["Ipv4Prefix"] for p in interface["Ipv4Prefixes"]], ["10.0.0.32/28"])

    def test_interfaces_come_in_pages(self):
        pages = list(self.ec2.get_paginator("describe_network_interfaces").paginate(PaginationConfig={"PageSize": 5}))
        with gap("ec2-paging"):
            self.assertEqual([len(page["NetworkInterfaces"]) for page in pages], [5, 1])

    def test_the_group_of_an_instance_cannot_be_deleted(self):
        with gap("no-dependencies"):
            self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId="sg-0nodes")


class SecurityGroups(Case):
    def test_a_group_is_created_with_its_tags_and_deleted(self):
        tags = [{"ResourceType": "security-group", "Tags": [{"Key": "a", "Value": "1"}]}]
        answer = self.ec2.create_security_group(
            GroupName="k8s-one", Description="[k8s] one", VpcId=VPC, TagSpecifications=tags
        )
        with gap("ec2-group-answers"):
            self.assertEqual(tag_map(answer["Tags"]), {"a": "1"})
        group = self.described(answer["GroupId"])
        self.assertEqual((group["GroupName"], group["Description"], group["VpcId"]), ("k8s-one", "[k8s] one", VPC))
        self.assertEqual(tag_map(group["Tags"]), {"a": "1"})
        self.assertEqual(group["IpPermissions"], [])
        self.assertEqual(group["IpPermissionsEgress"][0]["IpRanges"], [{"CidrIp": "0.0.0.0/0"}])
        self.ec2.delete_security_group(GroupId=answer["GroupId"])
        self.refused("InvalidGroup.NotFound", self.ec2.describe_security_groups, GroupIds=[answer["GroupId"]])
        self.refused("InvalidGroup.NotFound", self.ec2.delete_security_group, GroupId=answer["GroupId"])

    def test_creation_is_checked(self):
        self.group("taken")
        create = self.ec2.create_security_group
        self.refused("InvalidGroup.Duplicate", create, GroupName="taken", Description="x", VpcId=VPC)
        with gap("ec2-group-checks"):
            self.refused("InvalidVpcID.NotFound", create, GroupName="a", Description="x", VpcId="vpc-0")
        with gap("ec2-group-checks"):
            self.refused("InvalidParameterValue", create, GroupName="sg-a", Description="x", VpcId=VPC)
        with gap("ec2-group-checks"):
            self.refused("InvalidParameterValue", create, GroupName="default", Description="x", VpcId=VPC)
        with gap("ec2-group-checks"):
            self.refused("InvalidParameterValue", create, GroupName="a" * 256, Description="x", VpcId=VPC)
        with gap("ec2-group-checks"):
            self.refused("InvalidParameterValue", create, GroupName="a", Description="<x>", VpcId=VPC)
        reserved = [{"ResourceType": "security-group", "Tags": [{"Key": "aws:a", "Value": "1"}]}]
        with gap("ec2-group-checks"):
            self.refused(
                "InvalidParameterValue", create, GroupName="a", Description="x", VpcId=VPC, TagSpecifications=reserved
            )
        self.refused("DryRunOperation", create, GroupName="a", Description="x", VpcId=VPC, DryRun=True)

    def test_groups_are_found_by_ids_and_filters(self):
        tags = [{"ResourceType": "security-group", "Tags": [{"Key": "cluster", "Value": "one"}]}]
        one = self.group("one", TagSpecifications=tags)
        two = self.group("two")
        self.ec2.authorize_security_group_ingress(GroupId=two, IpPermissions=[tcp(80, "192.0.2.0/24")])

        def found(*filters):
            wanted = [{"Name": name, "Values": values} for name, values in filters]
            return {g["GroupId"] for g in self.ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]}

        self.assertEqual(found(("vpc-id", [VPC]), ("tag:cluster", ["one", "other"])), {one})
        self.assertEqual(found(("tag-key", ["cluster"])), {one})
        self.assertEqual(found(("group-name", ["one", "two"])), {one, two})
        self.assertEqual(found(("group-id", [two])), {two})
        self.assertEqual(found(("ip-permission.cidr", ["192.0.2.0/24"])), {two})
        self.assertEqual(found(("description", ["two"])), {two})
        self.assertEqual(found(("tag:cluster", ["ONE"])), set())
        with gap("ec2-named-twice"):
            both = self.ec2.describe_security_groups(GroupIds=[two, one, one])["SecurityGroups"]
        with gap("ec2-named-twice"):
            self.assertEqual({g["GroupId"] for g in both}, {one, two})
        self.refused("InvalidGroup.NotFound", self.ec2.describe_security_groups, GroupIds=[one, "sg-0"])
        by_name = self.ec2.describe_security_groups(GroupNames=["one"])["SecurityGroups"]
        self.assertEqual([g["GroupId"] for g in by_name], [one])

    @gap("ec2-paging")
    def test_groups_come_in_pages_that_survive_a_deletion(self):
        ids = {self.group(f"page-{n}") for n in range(11)}
        first = self.ec2.describe_security_groups(MaxResults=5)
        gone = next(g["GroupId"] for g in first["SecurityGroups"] if g["GroupId"] in ids)
        self.ec2.delete_security_group(GroupId=gone)
        seen = {g["GroupId"] for g in first["SecurityGroups"]}
        token = first["NextToken"]
        while token:
            page = self.ec2.describe_security_groups(MaxResults=5, NextToken=token)
            more = {g["GroupId"] for g in page["SecurityGroups"]}
            self.assertFalse(seen & more)
            seen |= more
            token = page.get("NextToken")
        self.assertLessEqual(ids, seen)

    def test_rules_of_every_kind_come_back_as_they_were_given(self):
        source, group = self.group("source"), self.group("group")
        rules = [
            tcp(80, "192.0.2.0/24", "elbv2.k8s.aws/targetGroupBinding=shared"),
            {"IpProtocol": "udp", "FromPort": 53, "ToPort": 54, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]},
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": source, "Description": "all"}]},
            {"IpProtocol": "icmp", "FromPort": 3, "ToPort": 4, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        ]
        answer = self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
        self.assertTrue(answer["Return"])
        with gap("ec2-group-answers"):
            self.assertEqual(len({r["SecurityGroupRuleId"] for r in answer["SecurityGroupRules"]}), 4)
        by_protocol = {p["IpProtocol"]: p for p in self.described(group)["IpPermissions"]}
        self.assertEqual(by_protocol["tcp"]["IpRanges"], rules[0]["IpRanges"])
        self.assertEqual((by_protocol["udp"]["FromPort"], by_protocol["udp"]["ToPort"]), (53, 54))
        self.assertEqual(by_protocol["udp"]["Ipv6Ranges"], [{"CidrIpv6": "2001:db8::/32"}])
        self.assertNotIn("FromPort", by_protocol["-1"])
        self.assertEqual(by_protocol["-1"]["UserIdGroupPairs"][0]["GroupId"], source)
        self.assertEqual(by_protocol["-1"]["UserIdGroupPairs"][0]["Description"], "all")
        self.assertEqual((by_protocol["icmp"]["FromPort"], by_protocol["icmp"]["ToPort"]), (3, 4))

    def test_rules_are_kept_in_their_normal_form(self):
        group = self.group("normal")
        rule = {"IpProtocol": "6", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "100.68.0.18/18"}]}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        kept = self.described(group)["IpPermissions"][0]
        with gap("ec2-rule-form"):
            self.assertEqual((kept["IpProtocol"], kept["IpRanges"][0]["CidrIp"]), ("tcp", "100.68.0.0/18"))

    def test_one_duplicate_among_many_fails_the_whole_call(self):
        group = self.group("duplicate")
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(80, "192.0.2.0/24", "one")])
        before = self.described(group)["IpPermissions"]
        rules = [tcp(81, "192.0.2.0/24"), tcp(80, "192.0.2.0/24", "another text, same rule"), tcp(82, "192.0.2.0/24")]
        self.refused(
            "InvalidPermission.Duplicate",
            self.ec2.authorize_security_group_ingress,
            GroupId=group,
            IpPermissions=rules,
        )
        with gap("ec2-not-atomic"):
            self.assertEqual(self.described(group)["IpPermissions"], before)

    def test_authorizing_is_checked(self):
        group = self.group("checked")
        other = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": "sg-0"}]}
        lists = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "PrefixListIds": [{"PrefixListId": "pl-0"}]}
        half = {"IpProtocol": "tcp", "FromPort": 1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        authorize = self.ec2.authorize_security_group_ingress
        with gap("ec2-group-checks"):
            for code, rules in (
                ("InvalidGroup.NotFound", [other]),
                ("InvalidPrefixListID.NotFound", [lists]),
                ("InvalidParameterValue", [half]),
                ("InvalidParameterValue", [tcp(80, "300.0.0.0/8")]),
                ("InvalidParameterValue", [tcp(70000, "0.0.0.0/0")]),
                ("InvalidParameterValue", [tcp(80, "0.0.0.0/0"), tcp(80, "0.0.0.0/0")]),
                ("InvalidParameterValue", [tcp(80, "0.0.0.0/0", "ein Ümlaut")]),
                ("MissingParameter", [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}]),
            ):
                self.refused(code, authorize, GroupId=group, IpPermissions=rules)
        self.refused("InvalidGroup.NotFound", authorize, GroupId="sg-0", IpPermissions=[tcp(80, "0.0.0.0/0")])
        with gap("ec2-group-checks"):
            self.refused("InvalidGroupId.Malformed", authorize, GroupId="nodes", IpPermissions=[tcp(80, "0.0.0.0/0")])
        with gap("ec2-group-checks"):
            self.assertEqual(self.described(group)["IpPermissions"], [])

    def test_a_group_takes_sixty_rules_per_address_family(self):
        group = self.group("full")
        rules = [tcp(1000 + n, "0.0.0.0/0") for n in range(60)]
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
        self.refused(
            "RulesPerSecurityGroupLimitExceeded",
            self.ec2.authorize_security_group_ingress,
            GroupId=group,
            IpPermissions=[tcp(2000, "0.0.0.0/0")],
        )
        six = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
        with gap("ec2-rule-quota"):
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[six])

    def test_rules_are_revoked_by_their_identity_or_id(self):
        group = self.group("revoked")
        rules = [tcp(80, "192.0.2.0/24", "text"), tcp(81, "192.0.2.0/24"), tcp(82, "192.0.2.0/24")]
        made = self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)["SecurityGroupRules"]
        revoke = self.ec2.revoke_security_group_ingress
        answer = revoke(GroupId=group, IpPermissions=[tcp(80, "192.0.2.0/24")])
        self.assertTrue(answer["Return"])
        with gap("ec2-group-answers"):
            self.assertEqual(answer["RevokedSecurityGroupRules"][0]["FromPort"], 80)
        last = next(r["SecurityGroupRuleId"] for r in made if r["FromPort"] == 82)
        revoke(GroupId=group, SecurityGroupRuleIds=[last])
        self.assertEqual([p["FromPort"] for p in self.described(group)["IpPermissions"]], [81])
        both = [tcp(81, "192.0.2.0/24"), tcp(99, "192.0.2.0/24")]
        self.refused("InvalidPermission.NotFound", revoke, GroupId=group, IpPermissions=both)
        with gap("ec2-not-atomic"):
            self.assertEqual([p["FromPort"] for p in self.described(group)["IpPermissions"]], [81])
        self.refused("InvalidGroup.NotFound", revoke, GroupId="sg-0", IpPermissions=[tcp(1, "0.0.0.0/0")])
        with gap("ec2-revoke-by-id"):
            self.refused(
                "InvalidSecurityGroupRuleId.NotFound", revoke, GroupId=group, SecurityGroupRuleIds=["sgr-0"]
            )

    def test_a_rule_is_revoked_with_its_description_or_without(self):
        source = self.group("source")
        for name, sent, marker in (
            ("as-it-stands", {"Description": "text"}, contextlib.nullcontext()),
            ("without", {}, gap("ec2-revoke-described")),
        ):
            group = self.group(name)
            rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}
            described = rule | {"UserIdGroupPairs": [{"GroupId": source, "Description": "text"}]}
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[described])
            with marker:
                asked = rule | {"UserIdGroupPairs": [{"GroupId": source} | sent]}
                self.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[asked])
                self.assertEqual(self.described(group)["IpPermissions"], [])

    def test_a_group_that_another_one_names_cannot_be_deleted(self):
        source, group = self.group("named"), self.group("naming")
        rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": source}]}
        own = {"IpProtocol": "tcp", "FromPort": 2, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": source}]}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        self.ec2.authorize_security_group_ingress(GroupId=source, IpPermissions=[own])
        with gap("no-dependencies"):
            self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=source)
        with gap("no-dependencies"):
            self.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
        with gap("no-dependencies"):
            self.ec2.delete_security_group(GroupId=source)

    def test_the_default_group_cannot_be_deleted(self):
        default = self.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
        group = default["SecurityGroups"][0]["GroupId"]
        with gap("ec2-group-checks"):
            self.refused("CannotDelete", self.ec2.delete_security_group, GroupId=group)


class Tags(Case):
    def test_tags_are_added_replaced_and_removed(self):
        group = self.group("tagged")
        subnet = "subnet-0e1b000000000000a"
        both = [group, subnet]
        self.ec2.create_tags(Resources=both, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        self.ec2.create_tags(Resources=[group], Tags=[{"Key": "a", "Value": ""}])
        self.assertEqual(tag_map(self.described(group)["Tags"]), {"a": "", "b": "2"})
        self.ec2.delete_tags(Resources=[group], Tags=[{"Key": "b", "Value": "other"}])
        self.assertEqual(tag_map(self.described(group)["Tags"]), {"a": "", "b": "2"})
        self.ec2.delete_tags(Resources=[group], Tags=[{"Key": "b", "Value": "2"}, {"Key": "a"}, {"Key": "none"}])
        self.assertEqual(self.described(group)["Tags"], [])
        tags = tag_map(self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["Tags"])
        self.assertEqual((tags["a"], tags["b"]), ("1", "2"))

    def test_tagging_is_checked(self):
        group = self.group("checked")
        one = [{"Key": "a", "Value": "1"}]
        self.refused("InvalidGroup.NotFound", self.ec2.create_tags, Resources=[group, "sg-0123456789abcdef0"], Tags=one)
        self.refused("InvalidID", self.ec2.create_tags, Resources=["group"], Tags=one)
        with gap("ec2-tag-checks"):
            self.refused("InvalidSubnetID.NotFound", self.ec2.delete_tags, Resources=["subnet-0123456789abcdef0"], Tags=one)
        with gap("ec2-tag-checks"):
            self.refused(
                "InvalidParameterValue", self.ec2.create_tags, Resources=[group], Tags=[{"Key": "aws:a", "Value": "1"}]
            )
        many = [{"Key": f"k{n}", "Value": ""} for n in range(51)]
        self.refused("TagLimitExceeded", self.ec2.create_tags, Resources=[group], Tags=many)
        with gap("ec2-tag-checks"):
            self.assertEqual(self.described(group)["Tags"], [])


class Wire(Case):
    @gap("emulator-only")
    def test_an_unknown_operation_is_refused(self):
        self.refused("InvalidAction", self.ec2.describe_key_pairs)

    @gap("emulator-only")
    def test_a_get_request_with_a_query_string_is_answered(self):
        url = URL + "/?Action=DescribeVpcs&Version=2016-11-15"
        with urllib.request.urlopen(url, timeout=10) as answer:
            self.assertIn(VPC, answer.read().decode())
            self.assertTrue(answer.headers["x-amzn-requestid"])

    @gap("emulator-only")
    def test_an_unsigned_request_without_action_is_refused(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(URL + "/", timeout=10)
        self.assertEqual(caught.exception.code, 400)
        self.assertIn("MissingAction", caught.exception.read().decode())

    @gap("emulator-only")
    def test_a_service_that_is_not_emulated_is_named(self):
        answer = self.refused("InvalidAction", client("sns").list_topics)
        self.assertIn("'sns' is not emulated", answer["Error"]["Message"])

    def test_every_answer_has_its_own_request_id(self):
        ids = {self.ec2.describe_vpcs()["ResponseMetadata"]["RequestId"] for _ in range(3)}
        with gap("ec2-request-id"):
            self.assertEqual(len(ids), 3)


class Identity(Case):
    def test_the_caller_is_the_access_key(self):
        identity = client("sts", "AKIAME").get_caller_identity()
        with gap("sts-identity"):
            self.assertEqual(identity["Account"], "000000000000")
        with gap("sts-identity"):
            self.assertEqual(identity["Arn"], "arn:aws:iam::000000000000:user/AKIAME")

    def test_a_role_is_assumed_with_keys_that_carry_its_name(self):
        sts = client("sts")
        role = sts.assume_role(RoleArn="arn:aws:iam::111111111111:role/path/deploy", RoleSessionName="me")
        self.assertEqual(role["AssumedRoleUser"]["Arn"], "arn:aws:sts::111111111111:assumed-role/deploy/me")
        keys = role["Credentials"]
        assumed = boto3.client(
            "sts",
            endpoint_url=URL,
            region_name="us-west-2",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        ).get_caller_identity()
        self.assertEqual((assumed["Arn"], assumed["Account"]), (role["AssumedRoleUser"]["Arn"], "111111111111"))

    def test_assuming_is_checked(self):
        assume = client("sts").assume_role
        with gap("sts-checks"):
            self.refused("ValidationError", assume, RoleArn="arn:aws:iam::111111111111:user/x", RoleSessionName="me")
        with gap("sts-checks"):
            self.refused(
                "ValidationError", assume, RoleArn="arn:aws:iam::1:role/x", RoleSessionName="me", DurationSeconds=899999
            )


class Metadata(Case):
    def token(self, ttl="21600"):
        request = urllib.request.Request(URL + "/latest/api/token", method="PUT")
        request.add_header("X-aws-ec2-metadata-token-ttl-seconds", ttl)
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.assertEqual(answer.headers["X-aws-ec2-metadata-token-ttl-seconds"], ttl)
            return answer.read().decode()

    def get(self, path, token):
        request = urllib.request.Request(URL + "/latest/" + path)
        if token:
            request.add_header("X-aws-ec2-metadata-token", token)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def status(self, *args):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.get(*args)
        return caught.exception.code

    @gap("metadata")
    def test_region_zone_and_vpc_are_found_with_a_token(self):
        token = self.token()
        vpc = self.get("meta-data/placement/region", token)
        self.assertEqual(vpc, "us-west-2")
        self.assertTrue(self.get("meta-data/placement/availability-zone", token).startswith("us-west-2"))
        mac = self.get("meta-data/mac", token)
        self.assertEqual(self.get("meta-data/network/interfaces/macs/", token), mac + "/")
        found = self.get(f"meta-data/network/interfaces/macs/{mac}/vpc-id", token)
        self.assertIn(found, [v["VpcId"] for v in self.ec2.describe_vpcs()["Vpcs"]])
        self.assertTrue(self.get("meta-data/instance-id", token).startswith("i-"))
        document = json.loads(self.get("dynamic/instance-identity/document", token))
        self.assertEqual(document["region"], "us-west-2")

    @gap("metadata")
    def test_without_a_token_nothing_is_told(self):
        self.assertEqual(self.status("meta-data/mac", None), 401)
        self.assertEqual(self.status("meta-data/mac", "made-up"), 401)

    @gap("metadata")
    def test_an_unknown_path_and_a_wrong_lifetime_are_refused(self):
        self.assertEqual(self.status("meta-data/none", self.token()), 404)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.token("0")
        self.assertEqual(caught.exception.code, 400)

    @gap("metadata")
    def test_the_sdk_finds_credentials_of_the_role(self):
        from botocore.utils import InstanceMetadataFetcher

        fetcher = InstanceMetadataFetcher(timeout=5, num_attempts=1, base_url=URL + "/")
        keys = fetcher.retrieve_iam_role_credentials()
        self.assertEqual(keys["role_name"], "emulated-node")
        sts = boto3.client(
            "sts",
            endpoint_url=URL,
            region_name="us-west-2",
            aws_access_key_id=keys["access_key"],
            aws_secret_access_key=keys["secret_key"],
            aws_session_token=keys["token"],
        )
        self.assertIn(":assumed-role/emulated-node/i-", sts.get_caller_identity()["Arn"])


if __name__ == "__main__":
    unittest.main()
