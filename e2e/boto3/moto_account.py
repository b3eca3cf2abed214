"""Builds the account of a seed in moto, through the API, as far as the API goes.

As a program, `CLOUD=moto EMULATOR_URL=... moto_account.py SEED`, it prints our ids with moto's as JSON.
"""

import ipaddress
import json
import pathlib
import sys

import yaml

from cloud import REPOSITORY, client

# One of the images that moto always has; listing them all takes it seconds.
IMAGE = "ami-12c6146b"
DEFAULT = REPOSITORY / "emulator" / "src" / "seed" / "default.yaml"


def build(seed, client):
    """Our ids with those that moto chose. `client` makes a client of a service."""
    document = yaml.safe_load(seed) or {}
    if "vpcs" not in document:
        document["vpcs"] = yaml.safe_load(DEFAULT.read_text())["vpcs"]
    account = Account(client("ec2"))
    account.remove_default_vpc()
    for vpc in document["vpcs"]:
        account.vpc(vpc)
    for instance in document.get("instances", []):
        account.instance(instance)
    for certificate in document.get("certificates", []):
        account.certificate(client("acm"), certificate)
    return account.ids


def tag_list(tags):
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]


class Account:
    def __init__(self, ec2):
        self.ec2 = ec2
        self.ids = {}
        self.subnets = []

    def remove_default_vpc(self):
        for vpc in self.ec2.describe_vpcs()["Vpcs"]:
            inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
            for subnet in self.ec2.describe_subnets(Filters=inside)["Subnets"]:
                self.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
            attached = [{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}]
            for gateway in self.ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]:
                self.ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc["VpcId"])
                self.ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
            self.ec2.delete_vpc(VpcId=vpc["VpcId"])

    def tag(self, id, tags):
        if tags:
            self.ec2.create_tags(Resources=[id], Tags=tag_list(tags))

    def vpc(self, vpc):
        made = self.ec2.create_vpc(CidrBlock=vpc["cidrs"][0])["Vpc"]["VpcId"]
        self.ids[vpc["id"]] = made
        self.tag(made, vpc.get("tags"))
        for subnet in vpc.get("subnets", []):
            self.subnet(made, subnet)
        for table in vpc.get("route_tables", []):
            self.route_table(made, table)
        for group in vpc.get("security_groups", []):
            self.security_group(made, group)

    def subnet(self, vpc, subnet):
        made = self.ec2.create_subnet(VpcId=vpc, CidrBlock=subnet["cidr"], AvailabilityZone=subnet["zone"])
        made = made["Subnet"]["SubnetId"]
        self.ids[subnet["id"]] = made
        self.subnets.append((ipaddress.ip_network(subnet["cidr"]), made))
        self.tag(made, subnet.get("tags"))
        if subnet.get("public_addresses"):
            self.ec2.modify_subnet_attribute(SubnetId=made, MapPublicIpOnLaunch={"Value": True})

    def route_table(self, vpc, table):
        if table.get("main"):
            inside = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
            made = self.ec2.describe_route_tables(Filters=inside)["RouteTables"][0]["RouteTableId"]
        else:
            made = self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        self.ids[table["id"]] = made
        self.tag(made, table.get("tags"))
        for subnet in table.get("subnets", []):
            self.ec2.associate_route_table(RouteTableId=made, SubnetId=self.ids[subnet])
        for route in table.get("routes", []):
            if route["gateway"].startswith("igw-"):
                gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
                self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
                self.ids[route["gateway"]] = gateway
                self.ec2.create_route(
                    RouteTableId=made, DestinationCidrBlock=route["destination"], GatewayId=gateway
                )

    def security_group(self, vpc, group):
        made = self.ec2.create_security_group(VpcId=vpc, GroupName=group["name"], Description=group["name"])
        self.ids[group["id"]] = made["GroupId"]
        self.tag(made["GroupId"], group.get("tags"))
        for rule in group.get("ingress", []):
            source = {"UserIdGroupPairs": [{"GroupId": self.ids[rule["source"]]}]}
            permission = {"IpProtocol": rule["protocol"]} | source
            self.ec2.authorize_security_group_ingress(GroupId=made["GroupId"], IpPermissions=[permission])

    def instance(self, instance):
        address = ipaddress.ip_address(instance["address"])
        subnet = next(id for range, id in self.subnets if address in range)
        groups = [self.ids[one] for one in instance.get("interface", {}).get("security_groups", [])]
        asked = {"SubnetId": subnet, "PrivateIpAddress": str(address)} | ({"SecurityGroupIds": groups} if groups else {})
        made = self.ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, **asked)["Instances"][0]
        self.ids[instance["id"]] = made["InstanceId"]
        self.interface(instance, made["NetworkInterfaces"][0]["NetworkInterfaceId"])
        self.tag(made["InstanceId"], instance.get("tags"))
        if instance.get("state") == "stopped":
            self.ec2.stop_instances(InstanceIds=[made["InstanceId"]])

    def interface(self, instance, made):
        described = instance.get("interface", {})
        self.ids[described.get("id", "eni-" + instance["id"].removeprefix("i-"))] = made
        # moto knows no prefixes: their addresses are given one by one.
        ranges = [ipaddress.ip_network(prefix) for prefix in described.get("prefixes", [])]
        others = described.get("secondary_addresses", []) + [str(one) for range in ranges for one in range]
        if others:
            self.ec2.assign_private_ip_addresses(NetworkInterfaceId=made, PrivateIpAddresses=others)

    def certificate(self, acm, certificate):
        known = certificate if isinstance(certificate, dict) else {"arn": certificate}
        domains = known.get("domains") or ["unnamed.example.com"]
        asked = {"DomainName": domains[0], "SubjectAlternativeNames": domains, "ValidationMethod": "DNS"}
        made = acm.request_certificate(**asked)["CertificateArn"]
        if known.get("tags"):
            acm.add_tags_to_certificate(CertificateArn=made, Tags=tag_list(known["tags"]))
        self.ids[known["arn"]] = made


if __name__ == "__main__":
    seed = pathlib.Path(sys.argv[1]).read_text()
    print(json.dumps(build(seed, lambda service: client(service, translated=False))))
