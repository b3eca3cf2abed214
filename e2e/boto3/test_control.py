"""Control API and faults, through boto3 and plain HTTP."""

import json
import os
import threading
import time
import unittest
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

import cloud

URL = os.environ.get("EMULATOR_URL", "http://127.0.0.1:4566")
VPC = "vpc-0e1b0000000000001"


def control(method, path, body=None):
    data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    request = urllib.request.Request(URL + "/_emulator/" + path, data=data, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def client(service="ec2", actor="AKIATEST", read_timeout=10):
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name="us-west-2",
        aws_access_key_id=actor,
        aws_secret_access_key="none",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout),
    )


class Case(unittest.TestCase):
    def setUp(self):
        if cloud.MOTO:
            self.skipTest("this is about the emulator's own control API")
        control("POST", "reset", "# the default account\n")
        self.addCleanup(control, "POST", "reset")
        self.ec2 = client()

    def fault(self, **rule):
        rule.setdefault("operation", "*")
        return control("POST", "faults", rule)["ids"][0]

    def code(self, call, *args, **kwargs):
        with self.assertRaises(ClientError) as caught:
            call(*args, **kwargs)
        answer = caught.exception.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]

    def create(self, name, ec2=None):
        ec2 = ec2 or self.ec2
        return ec2.create_security_group(GroupName=name, Description=name, VpcId=VPC)["GroupId"]

    def names(self):
        return {group["GroupName"] for group in self.ec2.describe_security_groups()["SecurityGroups"]}

    def eventually(self, what, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = what()
            if found:
                return found
            time.sleep(0.02)
        self.fail(f"not within {seconds} s")

    def status(self, method, path, body=None):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            control(method, path, body)
        return caught.exception.code, json.load(caught.exception)["error"]


class Log(Case):
    def test_a_call_is_written_down_with_actor_parameters_and_result(self):
        answer = client(actor="AKIALOGGED").describe_vpcs(VpcIds=[VPC])
        call = control("GET", "calls?actor=AKIALOGGED")["calls"][0]
        self.assertEqual((call["service"], call["operation"]), ("ec2", "DescribeVpcs"))
        self.assertEqual(call["parameters"], {"VpcId.1": VPC})
        self.assertEqual((call["status"], call["error_code"], call["mutation"]), (200, None, False))
        self.assertEqual(call["request_id"], answer["ResponseMetadata"]["RequestId"])

    def test_calls_are_found_by_number_mutation_and_operation(self):
        self.ec2.describe_vpcs()
        last = control("GET", "calls")["last"]
        self.create("logged")
        self.ec2.describe_subnets()
        since = control("GET", f"calls?since={last}")["calls"]
        self.assertEqual([c["operation"] for c in since], ["CreateSecurityGroup", "DescribeSubnets"])
        mutations = control("GET", "calls?mutations=true")["calls"]
        self.assertEqual([c["operation"] for c in mutations], ["CreateSecurityGroup"])
        self.assertEqual(len(control("GET", "calls?operation=DescribeVpcs")["calls"]), 1)

    def test_a_refused_call_shows_its_code_and_is_not_committed(self):
        self.assertEqual(self.code(self.ec2.delete_security_group, GroupId="sg-0"), ("InvalidGroup.NotFound", 400))
        call = control("GET", "calls")["calls"][-1]
        self.assertEqual((call["status"], call["error_code"], call["committed"]), (400, "InvalidGroup.NotFound", False))

    def test_the_log_keeps_no_secrets(self):
        sts = client("sts")
        sts.assume_role(RoleArn="arn:aws:iam::1:role/a", RoleSessionName="me", SerialNumber="1" * 9, TokenCode="123456")
        call = control("GET", "calls?operation=AssumeRole")["calls"][0]
        self.assertEqual(call["parameters"]["TokenCode"], "(hidden)")
        self.assertEqual(call["parameters"]["RoleSessionName"], "me")


class Account(Case):
    def test_the_state_shows_the_account_and_a_reset_brings_it_back(self):
        group = self.create("shown")
        state = control("GET", "state")
        self.assertEqual(state["ec2"]["security_groups"][group]["name"], "shown")
        self.assertEqual(state["region"], "us-west-2")
        self.assertIn("elb", state)
        control("POST", "reset", "# the default account\n")
        self.assertNotIn(group, control("GET", "state")["ec2"]["security_groups"])
        self.assertEqual(control("GET", "calls")["calls"], [])

    def test_a_reset_takes_another_seed(self):
        control("POST", "reset", "region: eu-central-1\nvpcs: [{id: vpc-a, cidrs: [10.1.0.0/16]}]\n")
        self.assertEqual([v["VpcId"] for v in self.ec2.describe_vpcs()["Vpcs"]], ["vpc-a"])
        code, sentence = self.status("POST", "reset", "region: nowhere\n")
        self.assertEqual(code, 400)
        self.assertIn("region is 'nowhere'", sentence)

    def test_two_states_of_the_same_account_are_equal(self):
        def shown():
            state = control("GET", "state")
            state.pop("now")
            return state

        before = shown()
        self.ec2.describe_security_groups()
        self.assertEqual(shown(), before)

    def test_quotas_of_a_seed_are_in_force(self):
        control("POST", "reset", "quotas: {rules_per_security_group: 1}\npage_size: 2\n")
        group = self.create("small")
        rules = [
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            for port in (1, 2)
        ]
        authorize = self.ec2.authorize_security_group_ingress
        self.assertEqual(
            self.code(authorize, GroupId=group, IpPermissions=rules), ("RulesPerSecurityGroupLimitExceeded", 400)
        )
        self.assertEqual(len(self.ec2.describe_subnets()["Subnets"]), 2)

    def test_unknown_requests_are_refused_with_those_that_exist(self):
        code, sentence = self.status("GET", "nothing")
        self.assertEqual(code, 404)
        self.assertIn("GET /_emulator/state", sentence)
        self.assertEqual(self.status("GET", "calls?colour=red")[0], 400)
        self.assertEqual(self.status("GET", "calls?since=yesterday")[0], 400)

    def test_health_is_scripted_and_unscripted(self):
        script = {"target_group": "one", "target": "10.0.0.1", "port": 80, "state": "unhealthy"}
        control("POST", "health", script)
        control("POST", "health", {**script, "state": "healthy"})
        control("POST", "health", {"target_group": "*", "target": "*", "state": "healthy"})
        scripts = control("GET", "health")["scripts"]
        self.assertEqual([(s["target"], s["state"]) for s in scripts], [("10.0.0.1", "healthy"), ("*", "healthy")])
        control("POST", "health", {**script, "state": None})
        self.assertEqual(len(control("GET", "health")["scripts"]), 1)
        control("POST", "health", {"target_group": "*", "target": "*", "state": None})
        self.assertEqual(control("GET", "health")["scripts"], [])
        code, sentence = self.status("POST", "health", {**script, "state": "fine"})
        self.assertEqual(code, 400)
        self.assertIn("healthy, unhealthy", sentence)

    def test_the_history_is_empty_at_first(self):
        self.assertEqual(control("GET", "history"), {"history": [], "last": 0})


class Faults(Case):
    def test_latency_delays_a_call(self):
        self.fault(kind="latency", milliseconds=300, count=1)
        start = time.monotonic()
        self.ec2.describe_vpcs()
        self.assertGreaterEqual(time.monotonic() - start, 0.3)
        self.assertEqual(control("GET", "calls")["calls"][0]["fault"], "latency")

    def test_throttling_has_every_spelling(self):
        self.fault(kind="throttle", count=1)
        self.assertEqual(self.code(self.ec2.describe_vpcs), ("RequestLimitExceeded", 503))
        elb = client("elbv2")
        self.fault(kind="throttle", count=1)
        self.assertEqual(self.code(elb.describe_load_balancers), ("Throttling", 400))
        self.fault(kind="throttle", code="ThrottlingException", count=1)
        self.assertEqual(self.code(elb.describe_load_balancers), ("ThrottlingException", 400))
        self.ec2.describe_vpcs()

    def test_errors_have_the_code_and_status_that_was_asked_for(self):
        self.fault(kind="error", count=1)
        self.assertEqual(self.code(self.ec2.describe_vpcs), ("InternalFailure", 500))
        self.fault(kind="error", code="ServiceUnavailable", status=503, count=1)
        self.assertEqual(self.code(client("elbv2").describe_target_groups), ("ServiceUnavailable", 503))

    def test_a_denied_call_names_who_and_what(self):
        self.fault(kind="access-denied", operation="ec2:CreateSecurityGroup")
        self.fault(kind="access-denied", operation="elasticloadbalancing:*")
        with self.assertRaises(ClientError) as caught:
            self.create("denied")
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], "UnauthorizedOperation")
        self.assertIn("ec2:CreateSecurityGroup", error["Message"])
        self.assertEqual(self.code(client("elbv2").describe_load_balancers), ("AccessDenied", 403))
        self.assertNotIn("denied", self.names())

    def test_operation_actor_and_number_narrow_a_fault(self):
        self.fault(kind="error", operation="DescribeVpcs", actor="AKIAOTHER", after=1, count=1)
        other = client(actor="AKIAOTHER")
        self.ec2.describe_vpcs()
        other.describe_subnets()
        other.describe_vpcs()
        self.assertEqual(self.code(other.describe_vpcs)[0], "InternalFailure")
        other.describe_vpcs()
        active = control("GET", "faults")["faults"][0]
        self.assertEqual((active["matched"], active["hits"]), (3, 1))

    def test_a_fault_can_be_removed(self):
        one = self.fault(kind="error")
        self.fault(kind="error")
        control("DELETE", f"faults?id={one}")
        self.assertEqual(self.code(self.ec2.describe_vpcs)[0], "InternalFailure")
        control("DELETE", "faults")
        self.ec2.describe_vpcs()
        self.assertEqual(self.status("DELETE", "faults?id=99")[0], 404)

    def test_a_wrong_fault_is_refused_with_what_is_allowed(self):
        code, sentence = self.status("POST", "faults", {"operation": "*", "kind": "slow"})
        self.assertEqual(code, 400)
        self.assertIn("write latency, throttle", sentence)

    def test_a_cut_before_the_commit_changes_nothing_and_one_after_it_does(self):
        self.fault(kind="cut-before", operation="CreateSecurityGroup", count=1)
        with self.assertRaises(ConnectionClosedError):
            self.create("before")
        self.fault(kind="cut-after", operation="CreateSecurityGroup", count=1)
        with self.assertRaises(ConnectionClosedError):
            self.create("after")
        self.assertNotIn("before", self.names())
        self.assertIn("after", self.names())
        calls = control("GET", "calls?mutations=true")["calls"]
        self.assertEqual([(c["fault"], c["committed"], c["status"]) for c in calls], [
            ("cut-before", False, None),
            ("cut-after", True, None),
        ])

    def held(self, kind, name):
        """Starts a creation that is held; answers the thread, its result and the held call."""
        self.fault(kind=kind, operation="*", mutations=True, count=1)
        result = []

        def run():
            try:
                result.append(self.create(name, client()))
            except Exception as error:  # the test looks at it
                result.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join, 15)
        return thread, result, self.eventually(lambda: control("GET", "held")["held"])[0]

    def test_a_call_held_before_its_commit_is_done_when_released(self):
        thread, result, held = self.held("hold-before", "held")
        self.assertEqual((held["operation"], held["held_after_commit"]), ("CreateSecurityGroup", False))
        self.assertNotIn("held", self.names())
        self.assertEqual(control("POST", "release", {"seq": held["seq"], "how": "answer"}), {"released": 1})
        thread.join(10)
        self.assertTrue(result[0].startswith("sg-"), result)
        self.assertIn("held", self.names())
        self.assertEqual(control("GET", "held")["held"], [])

    def test_a_call_held_before_its_commit_and_cut_was_never_done(self):
        thread, result, _ = self.held("hold-before", "held")
        control("POST", "release", {"how": "cut"})
        thread.join(10)
        self.assertIsInstance(result[0], ConnectionClosedError)
        self.assertNotIn("held", self.names())

    def test_a_call_held_after_its_commit_is_done_whatever_follows(self):
        thread, result, held = self.held("hold-after", "held")
        self.assertTrue(held["held_after_commit"])
        self.assertIn("held", self.names())
        control("POST", "release", {"how": "cut"})
        thread.join(10)
        self.assertIsInstance(result[0], ConnectionClosedError)
        self.assertIn("held", self.names())

    def test_a_held_call_whose_client_goes_away_is_no_longer_listed(self):
        self.fault(kind="hold-before", operation="CreateSecurityGroup", count=1)
        with self.assertRaises(ReadTimeoutError):
            self.create("gone", client(read_timeout=0.5))
        self.eventually(lambda: not control("GET", "held")["held"])
        self.assertNotIn("gone", self.names())
        self.assertEqual(self.status("POST", "release", {"seq": 1, "how": "cut"})[0], 404)

    def test_stale_lists_and_tags_lag_behind(self):
        self.create("old")
        fault = self.fault(kind="stale", operation="DescribeSecurityGroups", seconds=1)
        group = self.create("new")
        self.ec2.create_tags(Resources=[group], Tags=[{"Key": "a", "Value": "1"}])
        self.assertIn("old", self.names())
        self.assertNotIn("new", self.names())
        self.assertEqual(self.code(self.ec2.describe_security_groups, GroupIds=[group])[0], "InvalidGroup.NotFound")
        self.eventually(lambda: "new" in self.names())
        control("DELETE", f"faults?id={fault}")
        self.create("newest")
        self.assertIn("newest", self.names())

    def test_fresh_ids_are_not_found_for_a_while(self):
        self.create("old")
        time.sleep(1.1)
        self.fault(kind="fresh-invisible", seconds=1)
        group = self.create("fresh")
        self.assertEqual(self.code(self.ec2.describe_security_groups, GroupIds=[group])[0], "InvalidGroup.NotFound")
        self.assertIn("old", self.names())
        self.ec2.create_tags(Resources=[group], Tags=[{"Key": "a", "Value": "1"}])
        self.eventually(lambda: "fresh" in self.names())


if __name__ == "__main__":
    unittest.main()
