"""Rules of Application Load Balancers, through boto3: every operation, its errors, its paging.

The account is that of elbv2.yaml beside this file, with smaller quotas of rules and target groups.
"""

import json
import unittest

from cloud import control, gap
from test_elbv2 import NO_GROUP, NO_LISTENER, NO_RULE, ONE, Case

ISSUER = "https://id.example.com"
OIDC = {
    "Issuer": ISSUER,
    "AuthorizationEndpoint": f"{ISSUER}/authorize",
    "TokenEndpoint": f"{ISSUER}/token",
    "UserInfoEndpoint": f"{ISSUER}/me",
    "ClientId": "one",
}
SESSION = {
    "SessionCookieName": "AWSELBAuthSessionCookie",
    "Scope": "openid",
    "SessionTimeout": 604800,
    "AuthenticationRequestExtraParams": {},
    "OnUnauthenticatedRequest": "authenticate",
}
COGNITO = {
    "UserPoolArn": "arn:aws:cognito-idp:us-west-2:123456789012:userpool/us-west-2_one",
    "UserPoolClientId": "client",
    "UserPoolDomain": "pool",
}


def path(*values):
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": list(values)}}


def host(*values):
    return {"Field": "host-header", "HostHeaderConfig": {"Values": list(values)}}


def fixed(order=None, status="200", **more):
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status} | more}
    return action | ({"Order": order} if order else {})


def oidc(**more):
    return {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": OIDC | more}


def jwt(**more):
    return {"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": {"JwksEndpoint": f"{ISSUER}/keys", "Issuer": "one"} | more}


class RuleCase(Case):
    quotas = "  rules_per_load_balancer: 5\n  target_groups_per_application_load_balancer: 4\n"

    def setUp(self):
        super().setUp()
        self.load_balancer = self.alb()["LoadBalancerArn"]
        self.default_group = self.http("default")
        self.plain = self.listener(self.load_balancer, self.default_group, "HTTP", 80)["ListenerArn"]

    def http(self, name):
        return self.group(name, Protocol="HTTP")["TargetGroupArn"]

    def secure_listener(self, port=443):
        certificates = [{"CertificateArn": ONE}]
        made = self.listener(self.load_balancer, self.default_group, "HTTPS", port, Certificates=certificates)
        return made["ListenerArn"]

    def rule(self, priority=1, **kwargs):
        settings = {"ListenerArn": self.plain, "Conditions": [path("/a")], "Actions": [fixed()]} | kwargs
        return self.elb.create_rule(Priority=priority, **settings)["Rules"][0]

    def rules(self, listener=None):
        return self.elb.describe_rules(ListenerArn=listener or self.plain)["Rules"]

    def refused_rule(self, code, **kwargs):
        before = self.rules()
        message = self.refused(code, self.rule, **kwargs)
        self.assertEqual(self.rules(), before)
        return message


class Rules(RuleCase):
    def test_a_new_one_is_described_with_all_it_has(self):
        made = self.rule(7, Conditions=[host("*.Example.com")], Tags=[{"Key": "a", "Value": "b"}])
        prefix = self.plain.replace(":listener/", ":listener-rule/")
        self.assertRegex(made["RuleArn"], f"^{prefix}/[0-9a-f]{{16}}$")
        with gap("rule-transforms"):
            self.assertEqual((made["Priority"], made["IsDefault"], made["Transforms"]), ("7", False, []))
        with gap("rule-conditions-as-given"):
            self.assertEqual(made["Conditions"], [host("*.Example.com") | {"Values": ["*.Example.com"]}])
        self.assertEqual(made["Actions"], [fixed()])
        self.assertEqual(self.elb.describe_rules(RuleArns=[made["RuleArn"]])["Rules"], [made])
        tags = self.elb.describe_tags(ResourceArns=[made["RuleArn"]])["TagDescriptions"][0]["Tags"]
        self.assertEqual(tags, [{"Key": "a", "Value": "b"}])

    @gap("rule-order")
    def test_they_are_listed_by_priority_the_default_one_last_and_paged(self):
        for priority in (10_000, 9, 100):
            self.rule(priority)
        expected = ["9", "100", "10000", "default"]
        self.assertEqual([one["Priority"] for one in self.rules()], expected)
        pages = self.elb.get_paginator("describe_rules").paginate(ListenerArn=self.plain, PaginationConfig={"PageSize": 3})
        found = [[one["Priority"] for one in page["Rules"]] for page in pages]
        self.assertEqual(found, [expected[:3], expected[3:]])
        arns = [one["RuleArn"] for one in self.rules()]
        by_arn = self.elb.describe_rules(RuleArns=arns + arns)["Rules"]
        self.assertEqual(sorted(one["RuleArn"] for one in by_arn), sorted(arns))
        describe = self.elb.describe_rules
        self.refused("ListenerNotFound", describe, ListenerArn=NO_LISTENER)
        self.refused("RuleNotFound", describe, RuleArns=arns + [NO_RULE])
        self.refused("ValidationError", describe, RuleArns=arns, ListenerArn=self.plain)
        self.refused("ValidationError", describe)
        self.refused("ValidationError", describe, RuleArns=["x"])
        self.refused("ValidationError", describe, ListenerArn=self.plain, PageSize=401)

    def test_a_priority_is_given_once_and_in_range(self):
        self.rule(1)
        self.refused_rule("PriorityInUse", priority=1)
        self.refused_rule("PriorityInUse", priority=1, Conditions=[path("/b")])
        with gap("elb-checks"):
            for priority in (0, 50_001, "default"):
                self.refused_rule("ValidationError", priority=priority)
        self.rule(50_000)
        self.refused_rule("ListenerNotFound", ListenerArn=NO_LISTENER)

    def test_the_quota_counts_all_listeners(self):
        secure = self.secure_listener()
        for priority in (1, 2, 3):
            self.rule(priority)
        self.rule(1, ListenerArn=secure)
        last = self.rule(2, ListenerArn=secure)["RuleArn"]
        with gap("elb-quotas"):
            self.refused_rule("TooManyRules", priority=4)
        self.elb.delete_rule(RuleArn=last)
        with gap("elb-quotas"):
            self.rule(4)

    def test_a_modification_replaces_what_is_given(self):
        rewrite = {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/a(.*)", "Replace": "/b$1"}]}}
        made = self.rule(3, Transforms=[rewrite])
        with gap("rule-transforms"):
            self.assertEqual(made["Transforms"], [rewrite])
        arn = {"RuleArn": made["RuleArn"]}
        modify = self.elb.modify_rule
        changed = modify(Conditions=[path("/x", "/y")], **arn)["Rules"][0]
        with gap("rule-conditions-as-given"):
            self.assertEqual(changed["Conditions"], [path("/x", "/y") | {"Values": ["/x", "/y"]}])
        self.assertEqual({**changed, "Conditions": None}, {**made, "Conditions": None})
        changed = modify(Actions=[fixed(status="404")], **arn)["Rules"][0]
        with gap("rule-transforms"):
            self.assertEqual((changed["Actions"], changed["Transforms"]), ([fixed(status="404")], [rewrite]))
        self.refused("ValidationError", modify, Transforms=[rewrite], ResetTransforms=True, **arn)
        self.refused("ValidationError", modify, **arn)
        with gap("rule-transforms"):
            self.assertEqual(modify(ResetTransforms=True, **arn)["Rules"][0]["Transforms"], [])
        with gap("rule-transforms"):
            self.assertEqual(self.rules()[0]["Transforms"], [])
        self.refused("RuleNotFound", modify, RuleArn=NO_RULE, Actions=[fixed()])
        self.refused("TargetGroupNotFound", modify, Actions=[{"Type": "forward", "TargetGroupArn": NO_GROUP}], **arn)

    def test_deleting_one_twice_is_not_found(self):
        arn = self.rule()["RuleArn"]
        self.elb.delete_rule(RuleArn=arn)
        with gap("rule-deleted-twice"):
            self.refused("RuleNotFound", self.elb.delete_rule, RuleArn=arn)

    def test_the_default_one_is_only_tagged(self):
        arn = self.rules()[-1]["RuleArn"]
        code = "OperationNotPermitted"
        with gap("rule-default"):
            self.refused(code, self.elb.delete_rule, RuleArn=arn)
        with gap("rule-default"):
            self.refused(code, self.elb.modify_rule, RuleArn=arn, Actions=[fixed()])
        with gap("rule-default"):
            self.refused(code, self.elb.set_rule_priorities, RulePriorities=[{"RuleArn": arn, "Priority": 1}])
        with gap("rule-default"):
            self.elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "a", "Value": "b"}])
        tags = lambda: self.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
        with gap("rule-default"):
            self.assertEqual(tags(), [{"Key": "a", "Value": "b"}])
        with gap("rule-default"):
            self.elb.remove_tags(ResourceArns=[arn], TagKeys=["a"])
        self.assertEqual(tags(), [])

    @gap("rule-priorities")
    def test_priorities_are_set_as_a_whole_or_not_at_all(self):
        one, two, three = (self.rule(number)["RuleArn"] for number in (1, 2, 3))
        pairs = lambda *given: [{"RuleArn": arn, "Priority": to} for arn, to in given]
        set_priorities = self.elb.set_rule_priorities
        answer = set_priorities(RulePriorities=pairs((one, 2), (two, 1)))["Rules"]
        self.assertEqual([(rule["RuleArn"], rule["Priority"]) for rule in answer], [(two, "1"), (one, "2")])
        for code, wrong in (
            ("PriorityInUse", pairs((one, 4), (two, 3))),
            ("PriorityInUse", pairs((one, 9), (two, 9))),
            ("RuleNotFound", pairs((one, 9), (NO_RULE, 8))),
            ("ValidationError", pairs((one, 9), (one, 8))),
            ("ValidationError", pairs((one, 0))),
            ("ValidationError", []),
        ):
            with self.subTest(wrong):
                self.refused(code, set_priorities, RulePriorities=wrong)
        set_priorities(RulePriorities=pairs((two, 1), (one, 50_000)))
        found = [(rule["RuleArn"], rule["Priority"]) for rule in self.rules()[:-1]]
        self.assertEqual(found, [(two, "1"), (three, "3"), (one, "50000")])

    def test_they_go_with_their_listener(self):
        arn = self.rule()["RuleArn"]
        self.elb.delete_listener(ListenerArn=self.plain)
        self.refused("RuleNotFound", self.elb.describe_rules, RuleArns=[arn])

    def test_a_network_listener_has_none_and_forwards_only(self):
        network, group = self.nlb("net")["LoadBalancerArn"], self.group("tcp")["TargetGroupArn"]
        listener = self.listener(network, group)["ListenerArn"]
        with gap("elb-checks"):
            self.refused("InvalidConfigurationRequest", self.rule, ListenerArn=listener)
        with gap("elb-checks"):
            self.refused("InvalidLoadBalancerAction", self.listener, network, group, "TCP", 81, DefaultActions=[fixed()])


class Conditions(RuleCase):
    @gap("rule-regex", "rule-conditions-as-given")
    def test_every_kind_comes_back_as_it_was_given(self):
        header = {"HttpHeaderName": "X-Tier", "Values": ["gold*", "?"]}
        query = {"Values": [{"Key": "v", "Value": "1"}, {"Value": r"a\*"}]}
        given = [
            {"Field": "http-header", "HttpHeaderConfig": header},
            {"Field": "query-string", "QueryStringConfig": query},
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["2001:DB8::/32"]}},
        ]
        self.assertEqual(self.rule(1, Conditions=given)["Conditions"], given)
        given = [
            {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET", "M-SEARCH"]}},
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "a", "RegexValues": ["^b"]}},
        ]
        self.assertEqual(self.rule(2, Conditions=given)["Conditions"], given)
        regexes = {"RegexValues": ["^/v[0-9]+"]}
        found = self.rule(3, Conditions=[{"Field": "path-pattern", "PathPatternConfig": regexes}])["Conditions"]
        self.assertEqual(found, [{"Field": "path-pattern", "PathPatternConfig": regexes} | regexes])
        found = self.rule(4, Conditions=[{"Field": "host-header", "Values": ["a.example.com"]}])["Conditions"]
        self.assertEqual(found, [host("a.example.com") | {"Values": ["a.example.com"]}])
        self.assertEqual(self.rule(5, Conditions=found)["Conditions"], found)

    def test_malformed_ones_are_refused(self):
        header = lambda name, **kwargs: {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name} | kwargs}
        with gap("elb-checks"):
            for wrong in (
                {"Field": "port"}, {}, path(), path(""), path("/a b"), path("/" + "x" * 128), host("localhost"),
                host("a.b1"), {"Field": "path-pattern", "HostHeaderConfig": {"Values": ["a.example.com"]}},
                {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"], "RegexValues": ["/a"]}},
                {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["("]}},
                path("/a") | {"Values": ["/b"]}, header("Host", Values=["a"]), header("a b", Values=["a"]), header("a"),
                {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["get"]}},
                {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a"}]}},
                {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.1"]}},
                {"Field": "source-ip", "SourceIpConfig": {"Values": ["255.255.255.255/32"]}},
            ):
                with self.subTest(wrong):
                    self.refused_rule("ValidationError", Conditions=[wrong])
        with gap("elb-checks"):
            self.refused_rule("ValidationError", Conditions=[])
        with gap("elb-checks"):
            self.refused_rule("ValidationError", Conditions=[path("/a"), path("/b")])

    @gap("elb-checks")
    def test_values_and_wildcards_of_a_rule_are_limited(self):
        hosts = host(*(f"{letter}.example.com" for letter in "abc"))
        message = self.refused_rule("ValidationError", Conditions=[hosts, path("/a", "/b", "/c")])
        self.assertIn("condition values", message)
        message = self.refused_rule("ValidationError", Conditions=[path("/*/*/*", "/*/*/*")])
        self.assertIn("condition wildcards", message)
        self.rule(1, Conditions=[hosts, path("/a", "/b")])


class Actions(RuleCase):
    def forward(self, *groups, **stickiness):
        config = {"TargetGroups": [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in groups]}
        if stickiness:
            config["TargetGroupStickinessConfig"] = stickiness
        return [{"Type": "forward", "ForwardConfig": config}]

    def test_a_weighted_forward_is_sticky_and_a_group_at_weight_0_is_in_use(self):
        one, two = self.http("one"), self.http("two")
        actions = self.forward((one, 999), (two, 0), Enabled=True, DurationSeconds=60)
        made = self.rule(Actions=actions)
        self.assertEqual(made["Actions"], actions)
        found = self.elb.describe_target_groups(TargetGroupArns=[two])["TargetGroups"][0]
        self.assertEqual(found["LoadBalancerArns"], [self.load_balancer])
        self.refused("ResourceInUse", self.elb.delete_target_group, TargetGroupArn=two)
        other = self.alb("other")["LoadBalancerArn"]
        with gap("elb-checks"):
            self.refused("TargetGroupAssociationLimit", self.listener, other, two, "HTTP", 80)
        self.elb.delete_rule(RuleArn=made["RuleArn"])
        with gap("elb-checks"):
            self.elb.delete_target_group(TargetGroupArn=two)
        single = self.rule(Actions=[{"Type": "forward", "TargetGroupArn": one}])["Actions"][0]
        self.assertEqual(single["TargetGroupArn"], one)
        with gap("elb-actions-as-given"):
            self.assertEqual(single["ForwardConfig"]["TargetGroups"], [{"TargetGroupArn": one, "Weight": 1}])

    def test_forwards_are_checked(self):
        one, tcp = self.http("one"), self.group("tcp")["TargetGroupArn"]
        with gap("elb-checks"):
            for code, actions in (
                ("ValidationError", self.forward()),
                ("ValidationError", self.forward((one, 1), (one, 1))),
                ("ValidationError", self.forward((one, 1000))),
                ("ValidationError", self.forward((one, 1), Enabled=True)),
                ("ValidationError", self.forward((one, 1), Enabled=True, DurationSeconds=604801)),
                ("TargetGroupNotFound", self.forward((one, 1), (NO_GROUP, 1))),
                ("IncompatibleProtocols", self.forward((tcp, 1))),
                ("TooManyActions", self.forward((one, 1)) + [fixed(2)]),
                ("ValidationError", []),
                ("InvalidLoadBalancerAction", [{"Type": "teleport"}]),
            ):
                with self.subTest(actions):
                    self.refused_rule(code, Actions=actions)

    def test_target_groups_of_an_action_and_of_a_load_balancer_are_limited(self):
        groups = [self.http(f"g-{number}") for number in range(5)]
        with gap("elb-quotas"):
            self.refused_rule("ValidationError", Actions=self.forward(*((arn, 1) for arn in groups + [self.default_group])))
        with gap("elb-quotas"):
            self.refused_rule("TooManyUniqueTargetGroupsPerLoadBalancer", Actions=self.forward(*((arn, 1) for arn in groups)))
        with gap("elb-quotas"):
            self.rule(1, Actions=self.forward((groups[0], 1), (groups[1], 1)))
        self.rule(2, Actions=self.forward((groups[1], 1), (groups[2], 1)))
        with gap("elb-quotas"):
            self.refused_rule("TooManyUniqueTargetGroupsPerLoadBalancer", priority=3, Actions=self.forward((groups[3], 1)))

    def test_redirects_and_fixed_responses_are_filled_in_and_checked(self):
        redirect = lambda **config: [{"Type": "redirect", "RedirectConfig": config}]
        made = self.rule(1, Actions=redirect(Protocol="HTTPS", Port="443", StatusCode="HTTP_301"))["Actions"][0]
        expected = {"Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
        with gap("elb-actions-as-given"):
            self.assertEqual(made["RedirectConfig"], expected | {"StatusCode": "HTTP_301"})
        body = fixed(None, "503", ContentType="text/plain", MessageBody="no <tag> & all")
        self.assertEqual(self.rule(2, Actions=[body])["Actions"], [body])
        with gap("elb-checks"):
            for code, actions in (
                ("InvalidLoadBalancerAction", redirect(StatusCode="HTTP_301")),
                ("ValidationError", redirect(Port="443")),
                ("ValidationError", redirect(Port="0", StatusCode="HTTP_301")),
                ("ValidationError", redirect(Path="x", StatusCode="HTTP_302")),
                ("ValidationError", [fixed(status="302")]),
                ("ValidationError", [fixed(ContentType="image/png")]),
                ("ValidationError", [fixed(MessageBody="x" * 1025)]),
            ):
                with self.subTest(actions):
                    self.refused_rule(code, priority=3, Actions=actions)

    def test_authentication_and_token_validation_are_for_https(self):
        cognito = {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": COGNITO}
        secure = self.secure_listener()
        with gap("elb-checks"):
            for action in (cognito, oidc(ClientSecret="s"), jwt()):
                self.refused_rule("InvalidLoadBalancerAction", Actions=[action, fixed(2)])
        extra = COGNITO | {"AuthenticationRequestExtraParams": {"prompt": "login"}, "Scope": "email"}
        made = self.rule(1, ListenerArn=secure, Actions=[fixed(2), cognito | {"AuthenticateCognitoConfig": extra}])
        with gap("elb-actions-as-given"):
            self.assertEqual(made["Actions"], [cognito | {"AuthenticateCognitoConfig": SESSION | extra}, fixed(2)])
        claims = [{"Format": "string-array", "Name": "groups", "Values": ["a", "b"]}]
        token = jwt(AdditionalClaims=claims)
        with gap("rule-jwt"):
            self.assertEqual(self.rule(2, ListenerArn=secure, Actions=[token, fixed(2)])["Actions"], [token, fixed(2)])
        on_listener = self.elb.modify_listener(ListenerArn=secure, DefaultActions=[token, fixed(2)])["Listeners"][0]
        self.assertEqual(on_listener["DefaultActions"], [token, fixed(2)])
        with gap("elb-checks"):
            self.refused("InvalidLoadBalancerAction", self.elb.modify_listener, ListenerArn=self.plain, DefaultActions=[token, fixed(2)])
        with gap("elb-checks"):
            self.refused("InvalidLoadBalancerAction", self.elb.modify_listener, ListenerArn=secure, Protocol="HTTP")

    @gap("rule-client-secret")
    def test_a_client_secret_is_needed_kept_on_request_and_never_shown(self):
        secure = self.secure_listener()
        self.refused("ValidationError", self.rule, ListenerArn=secure, Actions=[oidc(), fixed(2)])
        made = self.rule(1, ListenerArn=secure, Actions=[oidc(ClientSecret="hush-hush"), fixed(2)])
        shown = made["Actions"][0]["AuthenticateOidcConfig"]
        self.assertEqual(shown, OIDC | SESSION)
        arn = made["RuleArn"]
        self.refused("ValidationError", self.elb.modify_rule, RuleArn=arn, Actions=[oidc(), fixed(2)])
        kept = self.elb.modify_rule(RuleArn=arn, Actions=[oidc(UseExistingClientSecret=True), fixed(2)])["Rules"][0]
        self.assertEqual(kept, made)
        for place in ("state", "calls"):
            self.assertNotIn("hush-hush", json.dumps(control(f"/_emulator/{place}")))

    def test_guards_are_checked(self):
        secure = self.secure_listener()
        claim = {"Format": "single-string", "Name": "a", "Values": ["b"]}
        secret = {"ClientSecret": "s"}
        with gap("elb-checks"):
            for code, actions in (
                ("ValidationError", [jwt()]),
                ("TooManyActions", [jwt(), oidc(**secret) | {"Order": 2}, fixed(3)]),
                ("InvalidLoadBalancerAction", [jwt() | {"Order": 9}, fixed(2)]),
                ("ValidationError", [jwt(), fixed()]),
                ("ValidationError", [jwt(), fixed(1)]),
                ("ValidationError", [jwt(JwksEndpoint="http://id.example.com"), fixed(2)]),
                ("ValidationError", [jwt(AdditionalClaims=[claim | {"Name": "iss"}]), fixed(2)]),
                ("ValidationError", [jwt(AdditionalClaims=[claim | {"Format": "csv"}]), fixed(2)]),
                ("ValidationError", [jwt(AdditionalClaims=[claim | {"Values": []}]), fixed(2)]),
                ("ValidationError", [jwt(AdditionalClaims=[claim] * 11), fixed(2)]),
                ("ValidationError", [oidc(TokenEndpoint="x", **secret), fixed(2)]),
                ("ValidationError", [oidc(SessionTimeout=604801, **secret), fixed(2)]),
                ("ValidationError", [oidc(OnUnauthenticatedRequest="ask", **secret), fixed(2)]),
            ):
                with self.subTest(actions):
                    self.refused(code, self.rule, ListenerArn=secure, Actions=actions)

    def test_transforms_are_checked(self):
        one = lambda kind, config, **rewrite: {"Type": kind, config: {"Rewrites": [rewrite]}}
        url = one("url-rewrite", "UrlRewriteConfig", Regex="a", Replace="b")
        of_host = one("host-header-rewrite", "HostHeaderRewriteConfig", Regex="a", Replace="b")
        with gap("rule-transforms"):
            self.assertEqual(self.rule(1, Transforms=[url, of_host])["Transforms"], [url, of_host])
        with gap("rule-transforms"):
            for wrong in (
                [url, url],
                [{"Type": "url-rewrite"}],
                [{"Type": "path-rewrite"}],
                [one("url-rewrite", "UrlRewriteConfig", Regex="(", Replace="b")],
                [one("url-rewrite", "UrlRewriteConfig", Regex="a", Replace="b" * 1025)],
            ):
                with self.subTest(wrong):
                    self.refused_rule("ValidationError", priority=2, Transforms=wrong)


class ListenerAttributes(RuleCase):
    def test_headers_are_named_and_set(self):
        secure = self.secure_listener()
        describe = lambda arn: {
            one["Key"]: one["Value"] for one in self.elb.describe_listener_attributes(ListenerArn=arn)["Attributes"]
        }
        modify = lambda arn, key, value: self.elb.modify_listener_attributes(
            ListenerArn=arn, Attributes=[{"Key": key, "Value": value}]
        )
        renamed = "routing.http.request.x_amzn_tls_version.header_name"
        with gap("elb-attributes"):
            self.assertEqual(describe(secure)[renamed], "X-Amzn-Tls-Version")
        self.assertNotIn(renamed, describe(self.plain))
        modify(secure, renamed, "X-Tls")
        modify(self.plain, "routing.http.response.server.enabled", "false")
        self.assertEqual(describe(secure)[renamed], "X-Tls")
        self.assertEqual(describe(self.plain)["routing.http.response.server.enabled"], "false")
        with gap("elb-attributes"):
            self.refused("InvalidConfigurationRequest", modify, self.plain, renamed, "X-Tls")
        with gap("elb-attributes"):
            self.refused("ValidationError", modify, secure, renamed, "X Tls")
        with gap("elb-attributes"):
            self.refused("ValidationError", modify, secure, "routing.http.response.x_content_type_options.header_value", "sniff")


if __name__ == "__main__":
    unittest.main()
