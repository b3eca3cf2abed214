"""Prints what a controller has made in the account, as text that is the same from run to run.

The argument is a JSON file with `addresses`, what Kubernetes says; `texts`, what to call ids and addresses; `ports`,
what to call numbers of ports. Names lose their hash. Security groups are all but the default ones.
"""

import json
import pathlib
import re
import sys

import yaml

from cloud import client, tag_map

HASH = re.compile(r"\b(k8s-[a-z0-9-]+)-[0-9a-f]{10}\b")
# What examples set, or where a controller might set what nobody asked for.
ATTRIBUTES = ["deregistration_delay.timeout_seconds", "idle_timeout.timeout_seconds"]
# Resources in one DescribeTags.
TAGS = 20


class Snapshot:
    def __init__(self, names):
        self.texts, self.ports = names["texts"], names["ports"]
        self.addresses = names["addresses"]
        self.ec2, self.elb = client("ec2", translated=False), client("elbv2", translated=False)
        groups = self.ec2.describe_security_groups()["SecurityGroups"]
        self.security_groups = [one for one in groups if one["GroupName"] != "default"]
        self.group_names = {one["GroupId"]: one["GroupName"] for one in groups}
        self.target_groups = self.elb.describe_target_groups()["TargetGroups"]
        self.group_tags = self.tags([one["TargetGroupArn"] for one in self.target_groups])

    def all(self):
        return {
            "addresses": self.named(self.addresses),
            "load balancers": self.sorted(self.load_balancer, self.elb.describe_load_balancers()["LoadBalancers"]),
            "security groups": self.sorted(self.security_group, self.security_groups),
            "target groups": self.sorted(self.target_group, self.target_groups),
        }

    def sorted(self, describe, found):
        described = [self.named(describe(one)) for one in found]
        return sorted(described, key=lambda one: (one["name"], json.dumps(one, sort_keys=True)))

    def named(self, value):
        if isinstance(value, dict):
            return {self.named(key): self.named(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.named(one) for one in value]
        if isinstance(value, str):
            for text, name in self.texts.items():
                value = re.sub(rf"(?<![\w.]){re.escape(text)}(?!\w|\.\d)", name, value)
            return HASH.sub(r"\1-HASH", value)
        return value

    def port(self, number):
        return self.ports.get(str(number), number)

    def tags(self, arns):
        found = {}
        for start in range(0, len(arns), TAGS):
            answer = self.elb.describe_tags(ResourceArns=arns[start : start + TAGS])
            found |= {one["ResourceArn"]: tag_map(one["Tags"]) for one in answer["TagDescriptions"]}
        return found

    def load_balancer(self, found):
        arn = found["LoadBalancerArn"]
        attributes = self.elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        return {
            "name": found["LoadBalancerName"],
            "address": found["DNSName"],
            "type": f"{found['Type']}, {found['Scheme']}, {found['IpAddressType']}",
            "subnets": sorted(self.named(zone["SubnetId"]) for zone in found["AvailabilityZones"]),
            "security groups": sorted(self.group_names[one] for one in found.get("SecurityGroups", [])),
            "attributes": watched(attributes),
            "tags": self.tags([arn])[arn],
            "listeners": self.listeners(arn),
        }

    def listeners(self, load_balancer):
        found = self.elb.describe_listeners(LoadBalancerArn=load_balancer)["Listeners"]
        found = sorted(found, key=lambda one: one["Port"])
        tags = self.tags([one["ListenerArn"] for one in found])
        return [
            {
                "listener": f"{one['Protocol']} {one['Port']}",
                "tags": tags[one["ListenerArn"]],
                "default": self.actions(one["DefaultActions"]),
                "rules": self.rules(one["ListenerArn"]),
            }
            for one in found
        ]

    def rules(self, listener):
        found = self.elb.describe_rules(ListenerArn=listener)["Rules"]
        found = sorted((one for one in found if not one["IsDefault"]), key=lambda one: int(one["Priority"]))
        tags = self.tags([one["RuleArn"] for one in found])
        return [
            {
                "priority": int(one["Priority"]),
                "if": sorted(condition(one) for one in one["Conditions"]),
                "then": self.actions(one["Actions"]),
                "tags": tags[one["RuleArn"]],
            }
            for one in found
        ]

    def actions(self, found):
        return [self.action(one) for one in sorted(found, key=lambda one: one.get("Order", 1))]

    def action(self, found):
        if found["Type"] != "forward":
            details = {key: one for key, one in found.items() if key not in ("Type", "Order")}
            return f"{found['Type']} {json.dumps(details, sort_keys=True)}"
        groups = found.get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": found["TargetGroupArn"]}]
        groups = [f"{self.resource(one['TargetGroupArn'])} weight {one.get('Weight', 1)}" for one in groups]
        return f"forward to {', '.join(groups)}"

    def resource(self, arn):
        """What a target group is for: names without their hash are not unique."""
        tags = self.group_tags[arn]
        return next((tags[key] for key in sorted(tags) if key.endswith("k8s.aws/resource")), arn)

    def target_group(self, found):
        arn = found["TargetGroupArn"]
        health = self.elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        targets = [one["Target"] for one in health]
        check = {key: one for key, one in found.items() if key.startswith("HealthCheck") or "Threshold" in key}
        if str(check.get("HealthCheckPort")).isdigit():
            check["HealthCheckPort"] = self.port(check["HealthCheckPort"])
        version = found.get("ProtocolVersion", "")
        return {
            "name": found["TargetGroupName"],
            "for": self.resource(arn),
            "type": f"{found['TargetType']} {found['Protocol']} {version} {found['IpAddressType']}".replace("  ", " "),
            "port": self.port(found["Port"]),
            "network": found["VpcId"],
            "check": check | {"Matcher": found.get("Matcher", {})},
            "attributes": watched(self.elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]),
            "targets": sorted(f"{self.named(one['Id'])} port {self.port(one['Port'])}" for one in targets),
            "tags": self.group_tags[arn],
        }

    def security_group(self, found):
        return {
            "name": found["GroupName"],
            "description": found["Description"],
            "network": found["VpcId"],
            "tags": tag_map(found.get("Tags", [])),
            "inbound": sorted(rule for one in found["IpPermissions"] for rule in self.permission(one)),
        }

    def permission(self, found):
        ports = "-".join(str(self.port_of_rule(found[key])) for key in ("FromPort", "ToPort") if key in found)
        sources = [(self.group_names[one["GroupId"]], one) for one in found.get("UserIdGroupPairs", [])]
        sources += [(one["CidrIp"], one) for one in found.get("IpRanges", [])]
        sources += [(one["CidrIpv6"], one) for one in found.get("Ipv6Ranges", [])]
        sources += [(one["PrefixListId"], one) for one in found.get("PrefixListIds", [])]
        for source, one in sources:
            yield self.named(f"{found['IpProtocol']} {ports} from {source} {one.get('Description', '')}".rstrip())

    def port_of_rule(self, number):
        """The range of ports of all targets ends with the highest of their node ports, which are given by chance."""
        groups = [one for one in self.target_groups if one["TargetType"] == "instance"]
        ports = [str(one[key]) for one in groups for key in ("Port", "HealthCheckPort")]
        return "highest" if str(number) == max(filter(str.isdigit, ports), default="") else self.port(number)


def watched(attributes):
    return {one["Key"]: one["Value"] for one in attributes if one["Key"] in ATTRIBUTES}


def condition(found):
    details = {key: one for key, one in found.items() if key.endswith("Config")}
    values = [one.get("Values", one) for one in details.values()] or [found.get("Values")]
    return f"{found['Field']} {json.dumps(values[0], sort_keys=True)}"


if __name__ == "__main__":
    yaml.safe_dump(Snapshot(json.loads(pathlib.Path(sys.argv[1]).read_text())).all(), sys.stdout, sort_keys=False, width=118)
