"""ELBv2, through boto3: every operation, its errors, its paging.

The account is that of elbv2.yaml beside this file. Start the emulator with --speed 20 or more, else some tests
wait for minutes.
"""

import unittest

import cloud
from cloud import client, control, gap

ONE, TWO, THREE = (f"arn:aws:acm:us-west-2:123456789012:certificate/{n}" for n in ("one", "two", "three"))
GONE = "arn:aws:elasticloadbalancing:us-west-2:123456789012:{}/0123456789abcdef"
NO_LOAD_BALANCER = GONE.format("loadbalancer/net/gone")
NO_GROUP = GONE.format("targetgroup/gone")
NO_LISTENER = GONE.format("listener/net/gone/0123456789abcdef")
NO_RULE = GONE.format("listener-rule/net/gone/0123456789abcdef/0123456789abcdef")
PRIVATE = ["subnet-0privatea", "subnet-0privateb"]
PUBLIC = ["subnet-0publica", "subnet-0publicb"]


class Case(cloud.Case):
    seed = "elbv2.yaml"

    def setUp(self):
        super().setUp()
        self.elb = client("elbv2")
        self.ec2 = client("ec2")

    def refused(self, code, call, *args, **kwargs):
        return super().refused(code, call, *args, **kwargs)["Error"]["Message"]

    def nlb(self, name="web", **kwargs):
        settings = {"Name": name, "Type": "network", "Scheme": "internal", "Subnets": PRIVATE} | kwargs
        return self.elb.create_load_balancer(**settings)["LoadBalancers"][0]

    def alb(self, name="app", **kwargs):
        return self.nlb(name, Type="application", **kwargs)

    def group(self, name="web", **kwargs):
        settings = {"Name": name, "Protocol": "TCP", "Port": 80, "VpcId": "vpc-0elb", "TargetType": "ip"} | kwargs
        return self.elb.create_target_group(**settings)["TargetGroups"][0]

    def listener(self, load_balancer, group, protocol="TCP", port=80, **kwargs):
        actions = [{"Type": "forward", "TargetGroupArn": group}]
        settings = {"Protocol": protocol, "Port": port, "DefaultActions": actions} | kwargs
        return self.elb.create_listener(LoadBalancerArn=load_balancer, **settings)["Listeners"][0]

    def serving(self):
        load_balancer, group = self.nlb()["LoadBalancerArn"], self.group()["TargetGroupArn"]
        return load_balancer, group, self.listener(load_balancer, group)["ListenerArn"]

    def secure(self):
        load_balancer, group = self.nlb()["LoadBalancerArn"], self.group()["TargetGroupArn"]
        made = self.listener(load_balancer, group, "TLS", 443, Certificates=[{"CertificateArn": ONE}])
        return load_balancer, group, made

    def health(self, group, **kwargs):
        found = self.elb.describe_target_health(TargetGroupArn=group, **kwargs)["TargetHealthDescriptions"]
        return [
            "/".join(filter(None, [one["TargetHealth"]["State"], one["TargetHealth"].get("Reason")])) for one in found
        ]

    def script(self, state):
        control("/_emulator/health", {"target_group": "*", "target": "*", "state": state})


class LoadBalancers(Case):
    def test_a_new_one_is_described_with_all_it_has(self):
        made = self.nlb(SecurityGroups=["sg-0one"], Tags=[{"Key": "a", "Value": "b"}])
        with gap("elb-arn-and-dns"):
            self.assertRegex(made["LoadBalancerArn"], r"^arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/net/web/[0-9a-f]{16}$")
        with gap("elb-arn-and-dns"):
            self.assertRegex(made["DNSName"], r"^web-[0-9a-f]{16}\.elb\.us-west-2\.amazonaws\.com$")
        self.assertEqual(made["State"]["Code"], "provisioning")
        self.assertEqual((made["Type"], made["Scheme"], made["VpcId"]), ("network", "internal", "vpc-0elb"))
        self.assertEqual(made["IpAddressType"], "ipv4")
        self.assertEqual(made["SecurityGroups"], ["sg-0one"])
        with gap("elb-dropped-settings"):
            self.assertEqual(made["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"], "on")
        with gap("elb-dropped-settings"):
            self.assertEqual(made["EnablePrefixForIpv6SourceNat"], "off")
        zones = [(zone["ZoneName"], zone["SubnetId"]) for zone in made["AvailabilityZones"]]
        self.assertEqual(zones, [("us-west-2a", "subnet-0privatea"), ("us-west-2b", "subnet-0privateb")])
        self.assertIsNotNone(made["CreatedTime"].tzinfo)
        found = self.elb.describe_load_balancers(Names=["web"])["LoadBalancers"]
        with gap("elb-states"):
            self.assertEqual(found, [made])
        tags = self.elb.describe_tags(ResourceArns=[made["LoadBalancerArn"]])["TagDescriptions"][0]["Tags"]
        self.assertEqual(tags, [{"Key": "a", "Value": "b"}])

    def test_it_becomes_active(self):
        arn = self.nlb()["LoadBalancerArn"]
        find = lambda: self.elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["State"]["Code"]
        self.eventually(find, "active")

    def test_equal_settings_answer_the_same_one_and_others_are_a_duplicate(self):
        first = self.nlb()["LoadBalancerArn"]
        with gap("elb-uniqueness"):
            self.assertEqual(self.nlb(Tags=[{"Key": "x", "Value": "y"}])["LoadBalancerArn"], first)
        with gap("elb-uniqueness"):
            self.refused("DuplicateLoadBalancerName", self.nlb, Scheme="internet-facing", Subnets=PUBLIC)

    def test_names_and_words_are_checked(self):
        with gap("elb-checks"):
            for name in ("-a", "a-", "a_b", "x" * 33, "internal-a", ""):
                self.refused("ValidationError", self.nlb, name)
        with gap("elb-checks"):
            self.refused("ValidationError", self.nlb, Type="quantum")
        with gap("elb-checks"):
            self.refused("ValidationError", self.nlb, Scheme="public")
        self.refused("ValidationError", self.nlb, IpAddressType="ipv5")

    def test_subnets_are_checked(self):
        with gap("elb-checks"):
            self.refused("ValidationError", self.nlb, Subnets=[])
        with gap("elb-checks"):
            self.refused("ValidationError", self.nlb, SubnetMappings=[{"SubnetId": PRIVATE[0]}])
        with gap("elb-checks"):
            self.refused("SubnetNotFound", self.nlb, Subnets=["subnet-0gone"])
        with gap("elb-checks"):
            self.refused("InvalidConfigurationRequest", self.nlb, Subnets=["subnet-0publica", "subnet-0privatea"])
        with gap("elb-checks"):
            self.refused("InvalidConfigurationRequest", self.nlb, Subnets=["subnet-0privateb", "subnet-0other"])
        with gap("elb-checks"):
            self.refused("InvalidConfigurationRequest", self.alb, Subnets=["subnet-0privatea"])
        with gap("elb-checks"):
            self.refused("InvalidSubnet", self.nlb, Subnets=["subnet-0full"])
        with gap("elb-checks"):
            self.refused("InvalidSubnet", self.nlb, Scheme="internet-facing", Subnets=["subnet-0other"])
        with gap("elb-checks"):
            self.refused("InvalidSubnet", self.nlb, IpAddressType="dualstack")

    def test_addresses_of_subnets_are_checked_and_shown(self):
        mapping = {"SubnetId": "subnet-0privatea"}
        with_mapping = lambda **more: self.nlb(Subnets=[], SubnetMappings=[mapping | more])
        with gap("elb-checks"):
            self.refused("InvalidConfigurationRequest", with_mapping, AllocationId="eipalloc-01")
        with gap("elb-checks"):
            self.refused("InvalidConfigurationRequest", with_mapping, PrivateIPv4Address="10.0.0.9")
        zone = with_mapping(PrivateIPv4Address="10.0.100.99")["AvailabilityZones"][0]
        with gap("elb-dropped-settings"):
            self.assertEqual(zone["LoadBalancerAddresses"], [{"PrivateIPv4Address": "10.0.100.99"}])
        elastic = {"Subnets": [], "SubnetMappings": [{"SubnetId": "subnet-0publica", "AllocationId": "eipalloc-01"}]}
        zone = self.nlb("eip", Scheme="internet-facing", **elastic)["AvailabilityZones"][0]
        with gap("elb-dropped-settings"):
            self.assertEqual(zone["LoadBalancerAddresses"][0]["AllocationId"], "eipalloc-01")
        elastic["SubnetMappings"][0]["AllocationId"] = "none"
        with gap("elb-checks"):
            self.refused("AllocationIdNotFound", self.nlb, "eip2", Scheme="internet-facing", **elastic)

    def test_security_groups_and_tags_are_checked(self):
        with gap("elb-checks"):
            self.refused("InvalidSecurityGroup", self.nlb, SecurityGroups=["sg-0gone"])
        with gap("elb-checks"):
            self.refused("InvalidSecurityGroup", self.nlb, SecurityGroups=["sg-0other"])
        twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
        with gap("elb-checks"):
            self.refused("DuplicateTagKeys", self.nlb, Tags=twice)
        with gap("elb-checks"):
            self.refused("TooManyTags", self.nlb, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(51)])

    def test_the_quota_refuses(self):
        for number in range(4):
            self.nlb(f"web-{number}")
        with gap("elb-quotas"):
            self.refused("TooManyLoadBalancers", self.nlb, "web-4")
        self.alb("app")

    def test_pages_follow_each_other(self):
        made = sorted(self.nlb(f"web-{number}")["LoadBalancerArn"] for number in range(3))
        first = self.elb.describe_load_balancers(PageSize=2)
        self.assertEqual(len(first["LoadBalancers"]), 2)
        self.assertNotIn(made[1], first["NextMarker"], "markers are opaque")
        pages = self.elb.get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": 1})
        found = [one["LoadBalancerArn"] for page in pages for one in page["LoadBalancers"]]
        self.assertEqual(sorted(found), made)
        with gap("elb-paging"):
            for size in (0, 401):
                self.refused("ValidationError", self.elb.describe_load_balancers, PageSize=size)
        with gap("elb-paging"):
            self.refused("ValidationError", self.elb.describe_load_balancers, Marker="2")

    def test_an_unknown_one_fails_the_description_also_beside_a_known_one(self):
        known = self.nlb()["LoadBalancerArn"]
        describe = self.elb.describe_load_balancers
        with gap("elb-unknown-beside-known"):
            self.refused("LoadBalancerNotFound", describe, LoadBalancerArns=[known, NO_LOAD_BALANCER])
        with gap("elb-unknown-beside-known"):
            self.refused("LoadBalancerNotFound", describe, Names=["web", "gone"])
        with gap("elb-checks"):
            self.refused("ValidationError", describe, LoadBalancerArns=["web"])
        with gap("elb-checks"):
            self.refused("ValidationError", describe, LoadBalancerArns=[known], Names=["web"])
        with gap("elb-checks"):
            self.refused("ValidationError", describe, LoadBalancerArns=[NO_LOAD_BALANCER] * 21)

    def test_deleting_takes_listeners_along_and_succeeds_twice(self):
        load_balancer, group, listener = self.serving()
        self.elb.delete_load_balancer(LoadBalancerArn=load_balancer)
        self.elb.delete_load_balancer(LoadBalancerArn=load_balancer)
        self.refused("ListenerNotFound", self.elb.describe_listeners, ListenerArns=[listener])
        self.refused("LoadBalancerNotFound", self.elb.describe_listeners, LoadBalancerArn=load_balancer)
        with gap("elb-group-users"):
            self.assertEqual(self.elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]["LoadBalancerArns"], [])
        with gap("elb-checks"):
            self.refused("ValidationError", self.elb.delete_load_balancer, LoadBalancerArn="web")

    @gap("no-dependencies")
    def test_deletion_protection_refuses_until_it_is_off(self):
        arn = self.nlb()["LoadBalancerArn"]
        protect = lambda value: self.elb.modify_load_balancer_attributes(
            LoadBalancerArn=arn, Attributes=[{"Key": "deletion_protection.enabled", "Value": value}]
        )
        protect("true")
        message = self.refused("OperationNotPermitted", self.elb.delete_load_balancer, LoadBalancerArn=arn)
        self.assertIn("deletion protection", message)
        protect("false")
        self.elb.delete_load_balancer(LoadBalancerArn=arn)

    @gap("no-dependencies")
    def test_interfaces_linger_and_hold_the_security_group(self):
        arn = self.nlb(SecurityGroups=["sg-0one"])["LoadBalancerArn"]
        mine = lambda: [
            one for one in self.ec2.describe_network_interfaces()["NetworkInterfaces"]
            if one["Description"].startswith("ELB net/web/")
        ]
        self.assertEqual(len(mine()), 2)
        self.elb.delete_load_balancer(LoadBalancerArn=arn)
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId="sg-0one")
        self.eventually(lambda: len(mine()), 0)
        self.ec2.delete_security_group(GroupId="sg-0one")

    def test_security_groups_are_replaced_but_never_added_to_one_without(self):
        arn = self.nlb(SecurityGroups=["sg-0one"])["LoadBalancerArn"]
        field = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
        answer = self.elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=["sg-0two"], **{field: "off"})
        with gap("elb-dropped-settings"):
            self.assertEqual((answer["SecurityGroupIds"], answer[field]), (["sg-0two"], "off"))
        found = self.elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
        with gap("elb-dropped-settings"):
            self.assertEqual((found["SecurityGroups"], found[field]), (["sg-0two"], "off"))
        set_groups = self.elb.set_security_groups
        self.refused("InvalidSecurityGroup", set_groups, LoadBalancerArn=arn, SecurityGroups=["sg-0gone"])
        with gap("elb-checks"):
            self.refused("InvalidConfigurationRequest", set_groups, LoadBalancerArn=arn, SecurityGroups=[])
        self.refused("LoadBalancerNotFound", set_groups, LoadBalancerArn=NO_LOAD_BALANCER, SecurityGroups=["sg-0one"])
        bare = self.nlb("bare")["LoadBalancerArn"]
        with gap("elb-checks"):
            self.refused("InvalidConfigurationRequest", set_groups, LoadBalancerArn=bare, SecurityGroups=["sg-0one"])

    def test_subnets_are_replaced(self):
        arn = self.nlb()["LoadBalancerArn"]
        wanted = [{"SubnetId": "subnet-0privateb"}, {"SubnetId": "subnet-0privatec"}]
        answer = self.elb.set_subnets(LoadBalancerArn=arn, SubnetMappings=wanted)
        self.assertEqual([zone["ZoneName"] for zone in answer["AvailabilityZones"]], ["us-west-2b", "us-west-2c"])
        set_subnets = self.elb.set_subnets
        self.refused("SubnetNotFound", set_subnets, LoadBalancerArn=arn, Subnets=["subnet-0gone"])
        self.refused("InvalidConfigurationRequest", set_subnets, LoadBalancerArn=arn, Subnets=["subnet-0other"])
        self.refused("LoadBalancerNotFound", set_subnets, LoadBalancerArn=NO_LOAD_BALANCER, Subnets=PRIVATE)

    def test_dualstack_needs_ipv6_subnets_and_may_have_prefixes_for_source_nat(self):
        arn = self.nlb("plain")["LoadBalancerArn"]
        set_type = self.elb.set_ip_address_type
        with gap("elb-checks"):
            self.refused("InvalidSubnet", set_type, LoadBalancerArn=arn, IpAddressType="dualstack")
        self.refused("LoadBalancerNotFound", set_type, LoadBalancerArn=NO_LOAD_BALANCER, IpAddressType="ipv4")
        arn = self.nlb(Subnets=PUBLIC)["LoadBalancerArn"]
        self.assertEqual(set_type(LoadBalancerArn=arn, IpAddressType="dualstack")["IpAddressType"], "dualstack")
        mappings = [{"SubnetId": one, "SourceNatIpv6Prefix": "auto_assigned"} for one in PUBLIC]
        answer = self.elb.set_subnets(LoadBalancerArn=arn, SubnetMappings=mappings, EnablePrefixForIpv6SourceNat="on")
        with gap("elb-dropped-settings"):
            self.assertEqual(answer["EnablePrefixForIpv6SourceNat"], "on")
        with gap("elb-dropped-settings"):
            self.assertEqual(answer["AvailabilityZones"][0]["SourceNatIpv6Prefixes"], ["fd00:1:0:1::/80"])

    @gap("elb-missing-operations")
    def test_ipam_pools_are_for_application_load_balancers(self):
        arn = self.alb()["LoadBalancerArn"]
        answer = self.elb.modify_ip_pools(LoadBalancerArn=arn, IpamPools={"Ipv4IpamPoolId": "ipam-pool-1"})
        self.assertEqual(answer["IpamPools"], {"Ipv4IpamPoolId": "ipam-pool-1"})
        self.assertNotIn("IpamPools", self.elb.modify_ip_pools(LoadBalancerArn=arn, RemoveIpamPools=["ipv4"]))
        network = self.nlb()["LoadBalancerArn"]
        self.refused("InvalidConfigurationRequest", self.elb.modify_ip_pools, LoadBalancerArn=network, RemoveIpamPools=["ipv4"])

    @gap("elb-missing-operations")
    def test_capacity_is_reserved_and_given_up_once_it_is_active(self):
        arn = self.nlb()["LoadBalancerArn"]
        describe = lambda: self.elb.describe_capacity_reservation(LoadBalancerArn=arn)
        self.assertNotIn("MinimumLoadBalancerCapacity", describe())
        modify = self.elb.modify_capacity_reservation
        units = {"MinimumLoadBalancerCapacity": {"CapacityUnits": 2750}}
        self.refused("InvalidConfigurationRequest", modify, LoadBalancerArn=arn, **units)
        self.refused("ValidationError", modify, LoadBalancerArn=arn)
        self.refused("LoadBalancerNotFound", modify, LoadBalancerArn=NO_LOAD_BALANCER, **units)
        self.refused("LoadBalancerNotFound", self.elb.describe_capacity_reservation, LoadBalancerArn=NO_LOAD_BALANCER)
        self.elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn], WaiterConfig={"Delay": 1})
        self.assertEqual(modify(LoadBalancerArn=arn, **units)["MinimumLoadBalancerCapacity"]["CapacityUnits"], 2750)
        self.refused("PriorRequestNotComplete", modify, LoadBalancerArn=arn, ResetCapacityReservation=True)
        states = lambda: {zone["State"]["Code"] for zone in describe()["CapacityReservationState"]}
        self.eventually(states, {"provisioned"})
        self.assertNotIn("MinimumLoadBalancerCapacity", modify(LoadBalancerArn=arn, ResetCapacityReservation=True))


class Attributes(Case):
    def values(self, answer):
        return {one["Key"]: one["Value"] for one in answer["Attributes"]}

    def change(self, modify, key, value, **arn):
        return self.values(modify(Attributes=[{"Key": key, "Value": value}], **arn))

    def test_a_load_balancer_shows_all_keys_of_its_type_and_takes_partial_changes(self):
        arn = {"LoadBalancerArn": self.nlb()["LoadBalancerArn"]}
        values = self.values(self.elb.describe_load_balancer_attributes(**arn))
        self.assertEqual(values["load_balancing.cross_zone.enabled"], "false")
        with gap("elb-attributes"):
            self.assertEqual(values["dns_record.client_routing_policy"], "any_availability_zone")
        self.assertNotIn("idle_timeout.timeout_seconds", values)
        modify = self.elb.modify_load_balancer_attributes
        changed = self.change(modify, "load_balancing.cross_zone.enabled", "true", **arn)
        self.assertEqual(changed, values | {"load_balancing.cross_zone.enabled": "true"})
        application = {"LoadBalancerArn": self.alb()["LoadBalancerArn"]}
        values = self.values(self.elb.describe_load_balancer_attributes(**application))
        with gap("elb-attributes"):
            self.assertEqual(values["idle_timeout.timeout_seconds"], "60")
        with gap("elb-attributes"):
            self.assertEqual(values["routing.http.desync_mitigation_mode"], "defensive")
        with gap("elb-attributes"):
            self.refused("ValidationError", self.change, modify, "no.such.key", "1", **arn)
        with gap("elb-attributes"):
            self.refused("ValidationError", self.change, modify, "deletion_protection.enabled", "maybe", **arn)
        with gap("elb-attributes"):
            self.refused("InvalidConfigurationRequest", self.change, modify, "idle_timeout.timeout_seconds", "5", **arn)
        self.refused("LoadBalancerNotFound", self.change, modify, "x", "1", LoadBalancerArn=NO_LOAD_BALANCER)
        describe = self.elb.describe_load_balancer_attributes
        self.refused("LoadBalancerNotFound", describe, LoadBalancerArn=NO_LOAD_BALANCER)
        with gap("elb-attributes"):
            self.refused("ValidationError", modify, Attributes=[{"Key": "a", "Value": "b"}] * 21, **arn)

    def test_the_defaults_of_a_group_depend_on_protocol_and_target_type(self):
        describe = lambda **kwargs: self.values(
            self.elb.describe_target_group_attributes(TargetGroupArn=self.group(**kwargs)["TargetGroupArn"])
        )
        with gap("elb-attributes"):
            self.assertEqual(describe(name="ip")["preserve_client_ip.enabled"], "false")
        with gap("elb-attributes"):
            self.assertEqual(describe(name="instance", TargetType="instance")["preserve_client_ip.enabled"], "true")
        udp = describe(name="udp", Protocol="UDP")
        with gap("elb-attributes"):
            self.assertEqual(udp["preserve_client_ip.enabled"], "true")
        with gap("elb-attributes"):
            self.assertEqual(udp["deregistration_delay.connection_termination.enabled"], "true")
        http = describe(name="http", Protocol="HTTP")
        self.assertEqual(http["stickiness.type"], "lb_cookie")
        self.assertNotIn("proxy_protocol_v2.enabled", http)

    @gap("elb-attributes")
    def test_a_group_takes_partial_changes(self):
        arn = {"TargetGroupArn": self.group()["TargetGroupArn"]}
        before = self.values(self.elb.describe_target_group_attributes(**arn))
        modify = self.elb.modify_target_group_attributes
        changed = self.change(modify, "deregistration_delay.timeout_seconds", "3600", **arn)
        self.assertEqual(changed, before | {"deregistration_delay.timeout_seconds": "3600"})
        self.refused("ValidationError", self.change, modify, "deregistration_delay.timeout_seconds", "3601", **arn)
        self.refused("ValidationError", self.change, modify, "no.such.key", "1", **arn)
        self.refused("TargetGroupNotFound", self.change, modify, "x", "1", TargetGroupArn=NO_GROUP)
        self.refused("TargetGroupNotFound", self.elb.describe_target_group_attributes, TargetGroupArn=NO_GROUP)

    def test_only_tcp_listeners_have_an_idle_timeout(self):
        _, _, listener = self.serving()
        describe, modify = self.elb.describe_listener_attributes, self.elb.modify_listener_attributes
        self.assertEqual(self.values(describe(ListenerArn=listener)), {"tcp.idle_timeout.seconds": "350"})
        changed = self.change(modify, "tcp.idle_timeout.seconds", "6000", ListenerArn=listener)
        self.assertEqual(changed, {"tcp.idle_timeout.seconds": "6000"})
        with gap("elb-attributes"):
            self.refused("ValidationError", self.change, modify, "tcp.idle_timeout.seconds", "59", ListenerArn=listener)
        self.refused("ListenerNotFound", describe, ListenerArn=NO_LISTENER)
        self.refused("ListenerNotFound", self.change, modify, "x", "1", ListenerArn=NO_LISTENER)


class TargetGroups(Case):
    def test_a_new_one_has_the_defaults(self):
        made = self.group()
        self.assertRegex(made["TargetGroupArn"], r":targetgroup/web/[0-9a-f]{16}$")
        expected = {
            "TargetGroupName": "web", "Protocol": "TCP", "Port": 80, "VpcId": "vpc-0elb", "TargetType": "ip",
            "HealthCheckProtocol": "TCP", "HealthCheckPort": "traffic-port", "HealthCheckEnabled": True,
            "HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 10, "HealthyThresholdCount": 5,
            "UnhealthyThresholdCount": 2, "LoadBalancerArns": [], "IpAddressType": "ipv4",
        }
        with gap("elb-group-settings"):
            self.assertEqual(made, expected | {"TargetGroupArn": made["TargetGroupArn"]})
        http = self.group("http", Protocol="HTTP")
        self.assertEqual((http["ProtocolVersion"], http["HealthCheckPath"], http["Matcher"]), ("HTTP1", "/", {"HttpCode": "200"}))

    def test_equal_settings_answer_the_same_one_and_others_are_a_duplicate(self):
        first = self.group()["TargetGroupArn"]
        with gap("elb-uniqueness"):
            self.assertEqual(self.group()["TargetGroupArn"], first)
        self.refused("DuplicateTargetGroupName", self.group, Port=81)

    def test_settings_are_checked(self):
        with gap("elb-checks"):
            for wrong in (
                {"name": "a_b"}, {"Protocol": "SCTP"}, {"Port": 0}, {"Port": 65536}, {"VpcId": "vpc-0gone"},
                {"TargetType": "pod"}, {"HealthCheckProtocol": "UDP"}, {"HealthCheckPort": "0"},
                {"HealthCheckIntervalSeconds": 4}, {"HealthCheckTimeoutSeconds": 121}, {"HealthyThresholdCount": 11},
                {"UnhealthyThresholdCount": 1}, {"HealthCheckPath": "/x"}, {"Matcher": {"HttpCode": "200"}},
                {"HealthCheckProtocol": "HTTP", "HealthCheckPath": "x"},
                {"HealthCheckProtocol": "HTTP", "Matcher": {"HttpCode": "199"}},
                {"HealthCheckEnabled": False}, {"Protocol": "HTTP", "HealthCheckProtocol": "TCP"},
            ):
                with self.subTest(wrong):
                    self.refused("ValidationError", self.group, **wrong)

    def test_the_health_check_is_changed_partially(self):
        arn = self.group(HealthCheckProtocol="HTTP", HealthCheckPath="/a", HealthCheckPort="8080")["TargetGroupArn"]
        modify = self.elb.modify_target_group
        changed = modify(TargetGroupArn=arn, HealthCheckIntervalSeconds=10, Matcher={"HttpCode": "200-299"})["TargetGroups"][0]
        self.assertEqual((changed["HealthCheckPath"], changed["HealthCheckPort"]), ("/a", "8080"))
        with gap("elb-group-settings"):
            self.assertEqual((changed["HealthCheckIntervalSeconds"], changed["Matcher"]), (10, {"HttpCode": "200-299"}))
        changed = modify(TargetGroupArn=arn, HealthCheckProtocol="TCP")["TargetGroups"][0]
        with gap("elb-group-settings"):
            self.assertNotIn("HealthCheckPath", changed)
        with gap("elb-group-settings"):
            self.assertNotIn("Matcher", changed)
        with gap("elb-checks"):
            self.refused("ValidationError", modify, TargetGroupArn=arn, HealthCheckTimeoutSeconds=60)
        self.refused("TargetGroupNotFound", modify, TargetGroupArn=NO_GROUP, HealthCheckIntervalSeconds=10)

    def test_they_are_found_by_arn_name_and_load_balancer_and_paged(self):
        load_balancer, used, _ = self.serving()
        arns = sorted([used, self.group("b")["TargetGroupArn"], self.group("c")["TargetGroupArn"]])
        describe = self.elb.describe_target_groups
        found = describe(LoadBalancerArn=load_balancer)["TargetGroups"]
        self.assertEqual([(one["TargetGroupArn"], one["LoadBalancerArns"]) for one in found], [(used, [load_balancer])])
        self.assertEqual(describe(Names=["b"])["TargetGroups"][0]["TargetGroupName"], "b")
        pages = self.elb.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 2})
        found = [[one["TargetGroupArn"] for one in page["TargetGroups"]] for page in pages]
        with gap("elb-paging"):
            self.assertEqual(found, [arns[:2], arns[2:]])
        self.refused("TargetGroupNotFound", describe, TargetGroupArns=[used, NO_GROUP])
        self.refused("TargetGroupNotFound", describe, Names=["b", "gone"])
        self.refused("LoadBalancerNotFound", describe, LoadBalancerArn=NO_LOAD_BALANCER)
        self.refused("ValidationError", describe, Names=["b"], TargetGroupArns=[used])

    def test_one_in_use_cannot_be_deleted_even_at_weight_0(self):
        load_balancer, old, listener = self.serving()
        new = self.group("new")["TargetGroupArn"]
        weights = [{"TargetGroupArn": old, "Weight": 1}, {"TargetGroupArn": new, "Weight": 0}]
        both = [{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}]
        self.elb.modify_listener(ListenerArn=listener, DefaultActions=both)
        found = self.elb.describe_target_groups(TargetGroupArns=[new])["TargetGroups"][0]
        with gap("elb-group-users"):
            self.assertEqual(found["LoadBalancerArns"], [load_balancer])
        self.refused("ResourceInUse", self.elb.delete_target_group, TargetGroupArn=new)
        self.elb.delete_listener(ListenerArn=listener)
        self.elb.delete_target_group(TargetGroupArn=new)
        with gap("elb-group-deleted-twice"):
            self.elb.delete_target_group(TargetGroupArn=new)
        with gap("elb-checks"):
            self.refused("ValidationError", self.elb.delete_target_group, TargetGroupArn=load_balancer)

    def test_the_quota_refuses(self):
        for number in range(6):
            self.group(f"web-{number}")
        with gap("elb-quotas"):
            self.refused("TooManyTargetGroups", self.group, "web-6")


class Listeners(Case):
    def test_a_forward_action_is_shown_in_both_forms(self):
        load_balancer, group, listener = self.serving()
        found = self.elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]
        self.assertEqual((found["Protocol"], found["Port"], found["LoadBalancerArn"]), ("TCP", 80, load_balancer))
        action = found["DefaultActions"][0]
        self.assertEqual(action["TargetGroupArn"], group)
        with gap("elb-actions-as-given"):
            self.assertEqual(action["ForwardConfig"]["TargetGroups"], [{"TargetGroupArn": group, "Weight": 1}])
        with gap("elb-actions-as-given"):
            self.assertEqual(action["ForwardConfig"]["TargetGroupStickinessConfig"], {"Enabled": False})

    def test_a_port_has_one_listener(self):
        load_balancer, group, listener = self.serving()
        with gap("elb-uniqueness"):
            self.assertEqual(self.listener(load_balancer, group)["ListenerArn"], listener)
        udp = self.group("udp", Protocol="UDP")["TargetGroupArn"]
        with gap("elb-uniqueness"):
            self.refused("DuplicateListener", self.listener, load_balancer, udp, "UDP", 80)
        other = self.listener(load_balancer, udp, "UDP", 53)["ListenerArn"]
        with gap("elb-uniqueness"):
            self.refused("DuplicateListener", self.elb.modify_listener, ListenerArn=other, Port=80)

    def test_protocols_must_fit(self):
        load_balancer, group = self.nlb()["LoadBalancerArn"], self.group()["TargetGroupArn"]
        both = self.group("both", Protocol="TCP_UDP")["TargetGroupArn"]
        with gap("elb-checks"):
            self.refused("IncompatibleProtocols", self.listener, load_balancer, group, "UDP")
        with gap("elb-checks"):
            self.refused("IncompatibleProtocols", self.listener, load_balancer, group, "TCP_UDP")
        self.refused("ValidationError", self.listener, load_balancer, group, "HTTP")
        self.listener(load_balancer, both, "TCP_UDP", 53)
        udp_of_both = self.listener(load_balancer, both, "UDP", 54)
        self.assertEqual(udp_of_both["Protocol"], "UDP")

    def test_groups_must_exist_and_belong_to_nobody_else(self):
        _, group, _ = self.serving()
        other = self.nlb("other")["LoadBalancerArn"]
        with gap("elb-checks"):
            self.refused("TargetGroupAssociationLimit", self.listener, other, group)
        self.refused("TargetGroupNotFound", self.listener, other, NO_GROUP)
        self.refused("LoadBalancerNotFound", self.listener, NO_LOAD_BALANCER, group)
        foreign = self.group("foreign", VpcId="vpc-0other")["TargetGroupArn"]
        with gap("elb-checks"):
            self.refused("InvalidConfigurationRequest", self.listener, other, foreign)

    def test_actions_are_checked(self):
        load_balancer, group = self.nlb()["LoadBalancerArn"], self.group()["TargetGroupArn"]
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
        weights = lambda *groups: [{"Type": "forward", "ForwardConfig": {"TargetGroups": [*groups]}}]
        one = {"TargetGroupArn": group, "Weight": 1}
        with gap("elb-checks"):
            for code, actions in (
                ("ValidationError", []),
                ("InvalidLoadBalancerAction", [fixed]),
                ("InvalidLoadBalancerAction", [{"Type": "teleport"}]),
                ("ValidationError", weights()),
                ("ValidationError", weights(one, one)),
                ("ValidationError", weights({"TargetGroupArn": group, "Weight": 1000})),
                ("TooManyActions", weights(one) + weights(one)),
            ):
                with self.subTest(actions):
                    self.refused(code, self.listener, load_balancer, group, DefaultActions=actions)
        application = self.alb()["LoadBalancerArn"]
        made = self.listener(application, group, "HTTP", DefaultActions=[fixed])
        self.assertEqual(made["DefaultActions"][0]["FixedResponseConfig"], {"StatusCode": "200"})
        loop = [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}]
        with gap("elb-checks"):
            self.refused("InvalidLoadBalancerAction", self.listener, application, group, "HTTP", 81, DefaultActions=loop)
        loop[0]["RedirectConfig"]["Protocol"] = "HTTPS"
        redirect = self.listener(application, group, "HTTP", 81, DefaultActions=loop)["DefaultActions"][0]["RedirectConfig"]
        with gap("elb-actions-as-given"):
            self.assertEqual((redirect["Protocol"], redirect["Host"], redirect["Path"]), ("HTTPS", "#{host}", "/#{path}"))

    def test_tls_needs_one_certificate_and_knows_policies(self):
        load_balancer, group, made = self.secure()
        self.assertEqual(made["Certificates"], [{"CertificateArn": ONE}])
        self.assertEqual(made["SslPolicy"], "ELBSecurityPolicy-2016-08")
        certificates = lambda *arns, **more: self.listener(
            load_balancer, group, "TLS", 8443, Certificates=[{"CertificateArn": arn} for arn in arns], **more
        )
        with gap("elb-checks"):
            self.refused("ValidationError", certificates)
        self.refused("CertificateNotFound", certificates, ONE + "gone")
        with gap("elb-checks"):
            self.refused("TooManyCertificates", certificates, ONE, TWO)
        with gap("elb-checks"):
            self.refused("SSLPolicyNotFound", certificates, ONE, SslPolicy="none")
        with gap("elb-checks"):
            self.refused("ALPNPolicyNotFound", certificates, ONE, AlpnPolicy=["HTTP9"])
        made = certificates(ONE, SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06", AlpnPolicy=["HTTP2Preferred"])
        self.assertEqual(made["AlpnPolicy"], ["HTTP2Preferred"])
        plain = self.elb.modify_listener(ListenerArn=made["ListenerArn"], Protocol="TCP")["Listeners"][0]
        with gap("elb-modify-listener"):
            for gone in ("Certificates", "SslPolicy", "AlpnPolicy"):
                self.assertNotIn(gone, plain)
        with gap("elb-checks"):
            self.refused("ValidationError", self.listener, load_balancer, group, "TCP", 90, SslPolicy="ELBSecurityPolicy-2016-08")

    def test_what_is_not_modified_stays(self):
        _, _, made = self.secure()
        arn = made["ListenerArn"]
        changed = self.elb.modify_listener(ListenerArn=arn, Port=8443)["Listeners"][0]
        self.assertEqual(changed, made | {"Port": 8443})
        changed = self.elb.modify_listener(ListenerArn=arn, Certificates=[{"CertificateArn": TWO}])["Listeners"][0]
        with gap("elb-modify-listener"):
            self.assertEqual(changed["Certificates"], [{"CertificateArn": TWO}])
        self.refused("ListenerNotFound", self.elb.modify_listener, ListenerArn=NO_LISTENER, Port=80)

    def test_they_are_paged_and_found_by_arn(self):
        load_balancer, group = self.nlb()["LoadBalancerArn"], self.group()["TargetGroupArn"]
        made = sorted(self.listener(load_balancer, group, port=port)["ListenerArn"] for port in (80, 81, 82))
        pages = self.elb.get_paginator("describe_listeners").paginate(LoadBalancerArn=load_balancer, PaginationConfig={"PageSize": 2})
        self.assertEqual(sorted(one["ListenerArn"] for page in pages for one in page["Listeners"]), made)
        with gap("elb-quotas"):
            self.refused("TooManyListeners", self.listener, load_balancer, group, port=83)
        self.refused("ValidationError", self.elb.describe_listeners)
        with gap("elb-unknown-beside-known"):
            self.refused("ListenerNotFound", self.elb.describe_listeners, ListenerArns=[made[0], NO_LISTENER])

    def test_deleting_one_twice_is_not_found(self):
        _, _, listener = self.serving()
        self.elb.delete_listener(ListenerArn=listener)
        self.refused("ListenerNotFound", self.elb.delete_listener, ListenerArn=listener)

    def test_each_has_a_default_rule(self):
        _, group, listener = self.serving()
        rules = self.elb.describe_rules(ListenerArn=listener)["Rules"]
        self.assertEqual([(one["Priority"], one["IsDefault"], one["Conditions"]) for one in rules], [("default", True, [])])
        self.assertEqual(rules[0]["Actions"][0]["TargetGroupArn"], group)
        self.assertEqual(self.elb.describe_rules(RuleArns=[rules[0]["RuleArn"]])["Rules"], rules)
        self.refused("ListenerNotFound", self.elb.describe_rules, ListenerArn=NO_LISTENER)
        self.refused("RuleNotFound", self.elb.describe_rules, RuleArns=[NO_RULE])

    def test_certificates_are_added_listed_paged_and_removed(self):
        _, _, made = self.secure()
        arn = {"ListenerArn": made["ListenerArn"]}
        named = lambda *arns: [{"CertificateArn": one} for one in arns]
        add, remove = self.elb.add_listener_certificates, self.elb.remove_listener_certificates
        add(Certificates=named(TWO), **arn)
        add(Certificates=named(TWO), **arn)
        pages = self.elb.get_paginator("describe_listener_certificates").paginate(PaginationConfig={"PageSize": 1}, **arn)
        found = [(one["CertificateArn"], one["IsDefault"]) for page in pages for one in page["Certificates"]]
        with gap("elb-listener-certificates"):
            self.assertEqual(found, [(ONE, True), (TWO, False)])
        with gap("elb-listener-certificates"):
            self.refused("TooManyCertificates", add, Certificates=named(THREE), **arn)
        with gap("elb-listener-certificates"):
            self.refused("CertificateNotFound", add, Certificates=named(ONE + "gone"), **arn)
        with gap("elb-listener-certificates"):
            self.refused("OperationNotPermitted", remove, Certificates=named(ONE), **arn)
        self.refused("ListenerNotFound", add, ListenerArn=NO_LISTENER, Certificates=named(TWO))
        self.refused("ListenerNotFound", remove, ListenerArn=NO_LISTENER, Certificates=named(TWO))
        self.refused("ListenerNotFound", self.elb.describe_listener_certificates, ListenerArn=NO_LISTENER)
        remove(Certificates=named(TWO), **arn)
        add(Certificates=named(ONE), **arn)
        twice = self.elb.describe_listener_certificates(**arn)["Certificates"]
        with gap("elb-listener-certificates"):
            self.assertEqual([(one["CertificateArn"], one["IsDefault"]) for one in twice], [(ONE, True), (ONE, False)])


class Tags(Case):
    def tags(self, arn):
        found = self.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"]
        self.assertEqual([one["ResourceArn"] for one in found], [arn])
        return {tag["Key"]: tag["Value"] for tag in found[0]["Tags"]}

    def test_load_balancers_groups_and_listeners_are_tagged(self):
        for arn in self.serving():
            self.elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
            self.elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "a", "Value": "2"}])
            self.assertEqual(self.tags(arn), {"a": "2", "b": ""})
            self.elb.remove_tags(ResourceArns=[arn], TagKeys=["b", "none"])
            self.assertEqual(self.tags(arn), {"a": "2"})

    def test_limits_and_unknown_resources(self):
        arn = self.group()["TargetGroupArn"]
        add, describe = self.elb.add_tags, self.elb.describe_tags
        some = lambda count: [{"Key": f"k{n}", "Value": ""} for n in range(count)]
        add(ResourceArns=[arn], Tags=some(50))
        self.refused("TooManyTags", add, ResourceArns=[arn], Tags=[{"Key": "more", "Value": ""}])
        with gap("elb-tags"):
            self.refused("DuplicateTagKeys", add, ResourceArns=[arn], Tags=some(1) * 2)
        with gap("elb-tags"):
            self.refused("ValidationError", add, ResourceArns=[arn], Tags=[{"Key": "aws:x", "Value": ""}])
        with gap("elb-tags"):
            self.refused("ValidationError", describe, ResourceArns=[arn] * 21)
        with gap("elb-tags"):
            self.refused("ValidationError", describe, ResourceArns=["web"])
        with gap("elb-tags"):
            self.refused("TargetGroupNotFound", describe, ResourceArns=[arn, NO_GROUP])
        self.refused("LoadBalancerNotFound", add, ResourceArns=[arn, NO_LOAD_BALANCER], Tags=some(1))
        with gap("elb-tags"):
            self.refused("ListenerNotFound", self.elb.remove_tags, ResourceArns=[NO_LISTENER], TagKeys=["a"])
        with gap("elb-tags"):
            self.refused("RuleNotFound", describe, ResourceArns=[NO_RULE])


class Targets(Case):
    def test_one_address_with_two_ports_is_two_targets(self):
        group = self.group()["TargetGroupArn"]
        targets = [{"Id": "10.0.100.5"}, {"Id": "10.0.100.5", "Port": 81}]
        self.elb.register_targets(TargetGroupArn=group, Targets=targets)
        self.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.100.5", "Port": 9}])
        found = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        with gap("targets-by-id"):
            self.assertEqual([one["Target"]["Port"] for one in found], [80, 81])
        with gap("targets-by-id"):
            self.assertEqual(found[0]["Target"]["AvailabilityZone"], "us-west-2a")
        with gap("targets-by-id"):
            self.assertEqual(found[1]["HealthCheckPort"], "81")
        with gap("targets-by-id"):
            self.assertEqual(self.health(group), ["unused/Target.NotInUse"] * 2)
        asked = [{"Id": "10.0.100.5", "Port": 81}, {"Id": "10.0.100.6"}]
        with gap("targets-by-id"):
            self.assertEqual(self.health(group, Targets=asked), ["unused/Target.NotInUse", "unused/Target.NotRegistered"])
        self.refused("TargetGroupNotFound", self.elb.describe_target_health, TargetGroupArn=NO_GROUP)
        self.refused("TargetGroupNotFound", self.elb.deregister_targets, TargetGroupArn=NO_GROUP, Targets=targets)

    @gap("target-checks")
    def test_addresses_are_checked(self):
        group = self.group()["TargetGroupArn"]
        register = lambda id, **more: self.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": id} | more])
        message = self.refused("ValidationError", register, "192.168.0.1")
        self.assertIn("Availability Zone", message)
        register("192.168.0.1", AvailabilityZone="all")
        self.refused("ValidationError", register, "10.0.100.5", AvailabilityZone="all")
        self.refused("ValidationError", register, "not-an-address")
        self.refused("ValidationError", register, "10.0.100.5", Port=0)
        self.refused("InvalidTarget", register, "fd00:1::5")
        self.refused("ValidationError", self.elb.register_targets, TargetGroupArn=group, Targets=[])
        self.refused("TargetGroupNotFound", self.elb.register_targets, TargetGroupArn=NO_GROUP, Targets=[{"Id": "10.0.100.5"}])

    @gap("target-checks")
    def test_an_application_group_without_cross_zone_wants_a_zone(self):
        group = self.group(Protocol="HTTP")["TargetGroupArn"]
        off = [{"Key": "load_balancing.cross_zone.enabled", "Value": "false"}]
        self.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=off)
        outside = [{"Id": "192.168.0.1", "AvailabilityZone": "all"}]
        message = self.refused("ValidationError", self.elb.register_targets, TargetGroupArn=group, Targets=outside)
        self.assertIn("you must specify an Availability Zone", message)

    def test_instances_are_checked(self):
        group = self.group(TargetType="instance")["TargetGroupArn"]
        register = lambda id, **more: self.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": id} | more])
        register("i-0a")
        with gap("target-checks"):
            self.refused("InvalidTarget", register, "i-0gone")
        self.refused("InvalidTarget", register, "i-0stopped")
        with gap("target-checks"):
            self.refused("ValidationError", register, "10.0.100.5")
        with gap("target-checks"):
            self.refused("ValidationError", register, "i-0a", AvailabilityZone="us-west-2a")
        with gap("target-health"):
            self.assertEqual(self.health(group), ["unused/Target.NotInUse"])

    def test_quotas_refuse(self):
        _, group, _ = self.serving()
        register = lambda group, *ids: self.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": one} for one in ids])
        addresses = [f"10.0.100.{n}" for n in range(20, 25)]
        with gap("elb-quotas"):
            self.refused("TooManyTargets", register, group, *addresses)
        register(group, *addresses[:3])
        other = self.group("other")["TargetGroupArn"]
        register(other, *addresses[:2])
        load_balancer = self.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
        with gap("elb-quotas"):
            self.refused("TooManyTargets", self.listener, load_balancer, other, port=81)

    @gap("target-health")
    def test_a_target_goes_from_unused_through_initial_to_healthy_and_drains(self):
        self.script("healthy")
        load_balancer, group = self.nlb()["LoadBalancerArn"], self.group()["TargetGroupArn"]
        self.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.100.5"}])
        self.assertEqual(self.health(group), ["unused/Target.NotInUse"])
        self.listener(load_balancer, group)
        self.eventually(lambda: self.health(group), ["healthy"])
        self.script("unhealthy")
        self.eventually(lambda: self.health(group), ["unhealthy/Target.FailedHealthChecks"])
        delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "20"}]
        self.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=delay)
        self.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.100.5"}])
        self.assertEqual(self.health(group), ["draining/Target.DeregistrationInProgress"])
        self.eventually(lambda: self.health(group), [])
        history = [(one["from"], one["to"]) for one in control("/_emulator/history")["history"]]
        steps = [None, "unused", "initial", "healthy", "unhealthy", "draining", None]
        self.assertEqual(history, list(zip(steps, steps[1:])))

    @gap("target-health")
    def test_a_target_in_a_zone_without_a_node_is_unused(self):
        self.script("healthy")
        _, group, _ = self.serving()
        self.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.102.5"}])
        self.assertEqual(self.health(group), ["unused/Target.NotInUse"])

    def test_a_draining_target_may_come_back(self):
        _, group, _ = self.serving()
        target = {"TargetGroupArn": group, "Targets": [{"Id": "10.0.100.5"}]}
        self.elb.register_targets(**target)
        self.elb.deregister_targets(**target)
        with gap("target-health"):
            self.assertEqual(self.health(group), ["draining/Target.DeregistrationInProgress"])
        with gap("target-checks"):
            self.elb.deregister_targets(**target)
        self.elb.register_targets(**target)
        with gap("target-health"):
            self.assertEqual(self.health(group), ["initial/Elb.RegistrationInProgress"])


class Account(Case):
    def test_limits_are_those_of_the_account(self):
        pages = self.elb.get_paginator("describe_account_limits").paginate(PaginationConfig={"PageSize": 5})
        limits = {one["Name"]: one["Max"] for page in pages for one in page["Limits"]}
        with gap("elb-quotas"):
            self.assertEqual((limits["network-load-balancers"], limits["target-groups"]), ("4", "6"))
        with gap("elb-paging"):
            self.refused("ValidationError", self.elb.describe_account_limits, PageSize=401)

    def test_ssl_policies_are_found_by_name_and_paged(self):
        name = "ELBSecurityPolicy-TLS13-1-2-2021-06"
        found = self.elb.describe_ssl_policies(Names=[name])["SslPolicies"][0]
        self.assertEqual((found["Name"], sorted(found["SslProtocols"])), (name, ["TLSv1.2", "TLSv1.3"]))
        pages = self.elb.get_paginator("describe_ssl_policies").paginate(PaginationConfig={"PageSize": 5})
        with gap("elb-paging"):
            self.assertGreater(len(list(pages)), 1)
        with gap("elb-unknown-beside-known"):
            self.refused("SSLPolicyNotFound", self.elb.describe_ssl_policies, Names=["none"])

    @gap("emulator-only")
    def test_an_operation_that_does_not_exist_here_is_said_to_be_invalid(self):
        self.refused("InvalidAction", self.elb.get_resource_policy, ResourceArn=NO_LOAD_BALANCER)


if __name__ == "__main__":
    unittest.main()
