"""The demo's webhook receiver takes what is signed, once, and nothing else."""

from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from sinergi_ops.parts.hooks import deliveries, secrets
from sinergi_shared.directory import read_directory


@pytest.fixture
def hook(real_parts):
    """Path and secret of one webhook of the demo's directory, and the receiver's address."""
    path, secret = next(iter(secrets(read_directory(real_parts.plan.own_directory)).items()))
    return f"http://127.0.0.1:{real_parts.plan.ports.hooks}{path}", secret, real_parts.hooks


def _post(url, secret, delivery, body='{"a":1}'):
    now = datetime.now(UTC)
    headers = {
        "webhook-id": delivery,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery, now, body),
    }
    return httpx.post(url, content=body, headers=headers, trust_env=False).status_code


def test_a_signed_delivery_is_kept_once(hook):
    url, secret, folder = hook
    assert [_post(url, secret, "SAME-DELIVERY") for _ in range(2)] == [204, 204]
    assert [one["alert"] for one in deliveries(folder) if one["id"] == "SAME-DELIVERY"] == [{"a": 1}]


def test_a_delivery_signed_by_another_is_refused_and_not_kept(hook):
    url, _secret, folder = hook
    assert _post(url, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "FORGED") == 401
    assert "FORGED" not in {one["id"] for one in deliveries(folder)}


def test_an_unknown_path_is_refused(hook):
    url, secret, _folder = hook
    assert _post(f"{url}-nobody", secret, "LOST") == 404
