"""The endpoint that the scripts run against: the emulator, or moto.

EMULATOR_URL names the endpoint. With CLOUD=moto it is a server of moto: then each reset builds the account of the
seed through the API, and ids that moto chose are translated in every request and answer. What moto cannot do is
marked with `gap(...)`; docs/moto.md says what each marker means.
"""

import contextlib
import functools
import json
import os
import pathlib
import re
import time
import unittest
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

URL = os.environ.get("EMULATOR_URL", "http://127.0.0.1:4566")
MOTO = os.environ.get("CLOUD", "emulator") == "moto"
HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parent.parent
# moto does at once what it does at all.
WAIT_SECONDS = 0.5 if MOTO else 60

_documented = set(re.findall(r"^\| `([a-z0-9-]+)` \|", (REPOSITORY / "docs" / "moto.md").read_text(), re.M))
# Our ids of the account of the last reset, with moto's.
_ids = {}


class gap:
    """Marks what moto cannot do, by ids of docs/moto.md: a test as a decorator, a part of one as a context.

    Against moto what is marked must fail. If it passes, the marker is out of date, and that is the failure.
    """

    def __init__(self, *ids):
        unknown = set(ids) - _documented
        if unknown or not ids:
            raise ValueError(f"docs/moto.md has no gap {sorted(unknown)}; it has {sorted(_documented)}")
        self.ids = ids

    def __call__(self, test):
        @functools.wraps(test)
        def marked(*args, **kwargs):
            with self:
                test(*args, **kwargs)

        return marked

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if not MOTO:
            return False
        if kind is None:
            raise AssertionError(f"moto passes: take the marker {', '.join(self.ids)} away")
        return issubclass(kind, Exception) and not issubclass(kind, unittest.SkipTest)


def client(service, actor="AKIATEST", translated=True, **config):
    """A client without its own checks and retries, so that the endpoint's are what is seen."""
    made = boto3.client(
        service,
        endpoint_url=URL,
        region_name="us-west-2",
        aws_access_key_id=actor,
        aws_secret_access_key="none",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False, **config),
    )
    if MOTO and translated:
        made.meta.events.register("provide-client-params.*.*", lambda params, **_: _renamed(params, _ids))
        made.meta.events.register("after-call.*.*", _name_back)
    return made


def _name_back(parsed, **_):
    ours = {theirs: mine for mine, theirs in _ids.items()}
    renamed = _renamed(parsed, ours)
    parsed.clear()
    parsed.update(renamed)


def _renamed(value, names):
    if isinstance(value, dict):
        return {_renamed(key, names): _renamed(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    if isinstance(value, str):
        # Longer names first: one may be the beginning of another.
        for name in sorted(names, key=len, reverse=True):
            value = value.replace(name, names[name])
    return value


def control(path, body=None):
    """A request of the emulator's control API."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    request = urllib.request.Request(URL + path, data=data, method="GET" if body is None else "POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def reset(seed=None, quotas=""):
    """Back to the account of a seed of this folder, with more lines of quotas; without one to the default account."""
    text = (HERE / seed).read_text() if seed else "# the default account\n"
    text = text.replace("quotas:\n", "quotas:\n" + quotas)
    if not MOTO:
        control("/_emulator/reset", text.encode())
        return
    urllib.request.urlopen(urllib.request.Request(URL + "/moto-api/reset", method="POST"), timeout=30).close()
    import moto_account

    _ids.clear()
    _ids.update(moto_account.build(text, lambda service: client(service, translated=False)))


class Case(unittest.TestCase):
    """A test that begins with the account of `seed`, with more lines of `quotas`."""

    seed = None
    quotas = ""

    def setUp(self):
        reset(self.seed, self.quotas)

    def subTest(self, *args, **kwargs):
        # A failed part is written down without an exception, which would look to a marker as if it had passed.
        return contextlib.nullcontext() if MOTO else super().subTest(*args, **kwargs)

    def refused(self, code, call, *args, **kwargs):
        with self.assertRaises(ClientError) as caught:
            call(*args, **kwargs)
        answer = caught.exception.response
        self.assertEqual(answer["Error"]["Code"], code, answer)
        self.assertTrue(answer["Error"]["Message"])
        self.assertTrue(answer["ResponseMetadata"]["RequestId"])
        return answer

    def eventually(self, look, want):
        end = time.monotonic() + WAIT_SECONDS
        while (seen := look()) != want:
            self.assertLess(time.monotonic(), end, f"still {seen}, waited for {want}")
            time.sleep(0.05)




def tag_map(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}
