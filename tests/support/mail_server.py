"""A real SMTP server on loopback that keeps what it is given."""

import email
import email.policy
import re
import threading
import time

from aiosmtpd.controller import Controller
from homeserver import free_port

PATIENCE_SECONDS = 60


class Mailbox:
    """The handler: every mail in order, as email.message.EmailMessage."""

    def __init__(self):
        self.mails = []
        self.refused = set()
        self.arrived = threading.Condition()

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address in self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with self.arrived:
            self.mails.append((envelope.rcpt_tos[0], mail))
            self.arrived.notify_all()
        return "250 OK"


class MailServer:
    def __init__(self, box=None):
        self.box = box or Mailbox()
        port = free_port()
        self.controller = Controller(self.box, hostname="127.0.0.1", port=port)
        self.url = f"smtp://127.0.0.1:{port}"

    def start(self):
        self.controller.start()
        return self

    def stop(self):
        self.controller.stop()

    def mails_to(self, address):
        return [mail for to, mail in self.box.mails if to == address]

    def wait_for(self, address, count=1):
        """The newest mail to the address, once there are `count` of them."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        with self.box.arrived:
            while len(self.mails_to(address)) < count:
                assert self.box.arrived.wait(give_up - time.monotonic()), f"no mail to {address}"
        return self.mails_to(address)[-1]

    def text_to(self, address, count=1):
        return self.wait_for(address, count).get_body(("plain",)).get_content()

    def link_to(self, address, count=1):
        """Path and query of the link in the newest mail."""
        return re.search(r"https://[^/\s]+(/_beffroi/email\S+)", self.text_to(address, count)).group(1)
