"""Start-up refuses what is unsafe outside the demo, and says what to do."""

import pytest
from pydantic import ValidationError

from sinergi_notifier.app import checked
from sinergi_notifier.settings import NotifierSettings
from sinergi_shared.directory import Contact, Directory, DirectoryError
from tests.kit.jobs import key_of


def directory(secret):
    contact = Contact(id="ent-hook", channel="webhook", address="https://ent.example/h", secret=secret)
    return Directory(sources=(), recipients={"IMI-ENT": (contact,)})


def test_plain_smtp_is_for_the_demo_and_for_a_relay_on_this_machine():
    assert NotifierSettings(demo=True, smtp="mail.example:25").mail_server.tls == "none"
    assert NotifierSettings(smtp="127.0.0.1:25", smtp_tls="none").mail_server.tls == "none"
    with pytest.raises(ValidationError, match="SINERGI_SMTP_TLS"):
        NotifierSettings(smtp="mail.example:25", smtp_tls="none")


def test_mail_is_encrypted_unless_told_otherwise():
    server = NotifierSettings(smtp="mail.example:587").mail_server
    assert (server.host, server.port, server.tls) == ("mail.example", 587, "starttls")
    assert NotifierSettings(smtp="[::1]:25").mail_server.host == "::1"


@pytest.mark.parametrize("url", ["http://x.example", "https://x.example/?a=1", "javascript:alert(1)"])
def test_a_link_is_https_without_a_query(url):
    with pytest.raises(ValidationError):
        NotifierSettings(base_url=url)


@pytest.mark.parametrize("secret", [None, "whsec_c2hvcnQ="], ids=["missing", "short"])
def test_a_weak_webhook_secret_is_refused_by_the_contact_id_alone(secret):
    with pytest.raises(DirectoryError, match="ent-hook") as error:
        checked(directory(secret), demo=False)
    assert "c2hvcnQ" not in str(error.value)
    checked(directory(secret), demo=True)
    checked(directory(key_of("ent")), demo=False)
