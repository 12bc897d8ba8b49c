#!/usr/bin/python3
"""A member of a Muster cluster, written from Docs/reference/wire.md and wire.proto and nothing else.

    member.py join --state-dir DIR --name NAME --hostname HOST --interface NAME=ADDRESS  < INVITATION
    member.py run --state-dir DIR

It shows that the page is enough. It needs Python 3.10, `cryptography`, and `wire_pb2`, which `protoc --python_out` makes of
wire.proto. One connection, one thread: while it applies, it answers no ping. It says what it does, one line each.
"""

import argparse
import base64
import dataclasses
import datetime
import hashlib
import itertools
import json
import random
import re
import signal
import socket
import ssl
import struct
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from google.protobuf.message import DecodeError

import wire_pb2 as wire
from machine import Configuration, Disk, Services, Unfit, check_material, section_digest

VERSION = 1
PROTOCOL = "muster/1"
FRAME_BYTES = 8 << 20  # toward the member
MEMBER_FRAME_BYTES = 1 << 20  # from a member
STRANGER_FRAME_BYTES = 256 << 10  # from a machine without a certificate
PING_SECONDS, SILENCE_SECONDS, HELLO_SECONDS = 20, 60, 10
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
NOTHING_SEEN = wire.Sighting()
REASON_LENGTH = 1000
# The fields of an entry, where this member knows them all.
FIELDS = {
    "delivery": {"certificate", "interface", "tlsProfile", "alertOnRequiredTLSFailure"},
    "destinations": {"tls", "nameCheck"},
    "system": {"hostname"},
}
SECTIONS = [
    "alerts", "authorities", "certificates", "delivery", "destinations", "interfaces", "ldap", "listeners", "mailFlowPolicies", "services",
    "system", "tlsProfiles", "webSecurity",
]


class Gone(Exception):
    """The connection is over, and this is why."""


class Refused(Exception):
    """The manager said no."""

    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")
        self.code = code


def say(*words):
    print(*words, flush=True)


# --- Who is there


def authority_cluster(authority):
    """The cluster that an authority's certificate names; Gone if it is no cluster's authority."""
    try:
        may_sign = (
            authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
            and authority.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
        )
        (uri,) = uris(authority)
    except (x509.ExtensionNotFound, ValueError):
        raise Gone("the authority's certificate is none of a cluster") from None
    key = authority.public_key()
    if not may_sign or not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise Gone("the authority may not sign, or not with ECDSA P-256")
    return uri.removeprefix("spiffe://")


def uris(certificate):
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def is_valid_now(certificate):
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return certificate.not_valid_before <= now <= certificate.not_valid_after


def identity(leaf, authorities, cluster, kind):
    """The name in a certificate's SPIFFE ID, if one of the authorities vouches for it in this cluster."""
    for authority in authorities:
        if authority_cluster(authority) != cluster or leaf.issuer != authority.subject or not is_valid_now(authority):
            continue
        try:
            authority.public_key().verify(leaf.signature, leaf.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
        except Exception:  # of another key: perhaps the next authority
            continue
        break
    else:
        raise Gone("the certificate is not signed by the cluster's authority")
    extensions = leaf.extensions
    known = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName)
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if (
        not is_valid_now(leaf)
        or any(one.critical and not isinstance(one.value, known) for one in extensions)
        or extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        or not extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
        or not {x509.OID_SERVER_AUTH, x509.OID_CLIENT_AUTH} <= set(purposes)
    ):
        raise Gone("the certificate is not valid now, or not for authentication")
    names = uris(leaf)
    match = re.fullmatch(rf"spiffe://{re.escape(cluster)}/{kind}/([A-Za-z0-9._-]+)", names[0]) if len(names) == 1 else None
    if not match:
        raise Gone(f"{names} is no {kind} of this cluster")
    return match[1]


def pinned(fingerprint, chain):
    """The authority that an invitation pins, from the chain that was presented."""
    for der in chain:
        if hashlib.sha256(der).hexdigest() == fingerprint:
            return x509.load_der_x509_certificate(der)
    raise Gone("the chain does not have the authority that the invitation pins")


def presented(tls):
    """The chain that the other side presented, in DER. Python before 3.13 has it under another name."""
    chain = getattr(tls, "get_unverified_chain", tls._sslobj.get_unverified_chain)() or []
    return [item if isinstance(item, bytes) else ssl.PEM_cert_to_DER_cert(item.public_bytes()) for item in chain]


# --- Frames


class Connection:
    """Frames over TLS 1.3, to a manager that `judge` has taken for one."""

    def __init__(self, address, judge, limit, certificate=None):
        host, _, port = address.rpartition(":")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols([PROTOCOL])
        # The host name says nothing, and the chain is judged below, before anything is said.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(*certificate)
        plain = socket.create_connection((host.strip("[]"), int(port)), timeout=HELLO_SECONDS)
        self.tls = context.wrap_socket(plain)
        self.limit, self.buffer = limit, b""
        self.heard = self.sent = time.monotonic()
        try:
            if self.tls.selected_alpn_protocol() != PROTOCOL:
                raise Gone(f"what answers does not speak {PROTOCOL}")
            judge(presented(self.tls))
        except (ValueError, IndexError, x509.ExtensionNotFound) as problem:
            raise Gone(f"the certificate that answers is none of this cluster: {problem}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()

    def send(self, **kind):
        message = wire.MemberFrame(**kind).SerializeToString()
        if len(message) > self.limit:
            raise Gone("a frame would be over the limit")
        self.tls.settimeout(SILENCE_SECONDS)
        self.tls.sendall(struct.pack(">I", len(message)) + message)
        self.sent = time.monotonic()

    def receive(self):
        """The next message that is no sign of life: its kind and content."""
        while True:
            try:
                frame = wire.ManagerFrame.FromString(self.frame())
            except DecodeError:
                raise Gone("a frame is not protobuf") from None
            kind = frame.WhichOneof("kind")
            if kind is None:
                raise Gone("a frame of a kind that is not known here: the manager is newer")
            if kind == "ping":
                self.send(pong=wire.Pong())
            elif kind == "refused":
                raise Refused(frame.refused.code, frame.refused.reason)
            elif kind != "pong":
                return kind, getattr(frame, kind)

    def frame(self):
        while True:
            if len(self.buffer) >= 4:
                (length,) = struct.unpack(">I", self.buffer[:4])
                if length > FRAME_BYTES:
                    raise Gone(f"a frame of {length} bytes is over the limit")
                if len(self.buffer) >= 4 + length:
                    frame, self.buffer = self.buffer[4 : 4 + length], self.buffer[4 + length :]
                    return frame
            self.fill()

    def fill(self):
        """Waits for bytes, pings when it is time to, and gives up when it is."""
        now = time.monotonic()
        if now >= self.heard + SILENCE_SECONDS:
            raise Gone(f"nothing was heard for {SILENCE_SECONDS} seconds")
        if now >= self.sent + PING_SECONDS:
            self.send(ping=wire.Ping())
        self.tls.settimeout(max(0.01, min(self.heard + SILENCE_SECONDS, self.sent + PING_SECONDS) - now))
        try:
            data = self.tls.recv(1 << 16)
        except TimeoutError:
            return
        if not data:
            raise Gone("the manager closed the connection")
        self.heard = time.monotonic()
        self.buffer += data


# --- Joining


@dataclasses.dataclass
class Invitation:
    id: str
    secret: str
    clusterID: str
    cluster: str
    authority: str
    managers: list
    expires: str

    @staticmethod
    def read(text):
        try:
            prefix, content, check = text.split()[0].split(".")
            data = base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))
            if prefix == "muster-invitation-1" and hashlib.sha256(data).hexdigest()[:12] == check:
                return Invitation(**json.loads(data))
        except (ValueError, IndexError):
            pass
        raise Gone("this is no invitation, or it was cut or altered on its way")


def network_entry(section, name, value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return wire.NetworkEntry(section=section, name=name, value=text.encode())


def reach(managers, judge):
    """A connection to the first manager that answers."""
    for manager in managers[:-1]:
        try:
            return Connection(manager, judge, STRANGER_FRAME_BYTES)
        except (Gone, OSError) as reason:
            say("gone", manager, reason)
    return Connection(managers[-1], judge, STRANGER_FRAME_BYTES)


def join(disk, invitation, name, hostname, interfaces):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    ask = wire.JoinRequest(
        version=VERSION,
        invitation=invitation.id,
        secret=invitation.secret,
        machine=name,
        certificate_request=request.public_bytes(serialization.Encoding.DER),
        network=[network_entry("system", "settings", {"hostname": hostname})]
        + [network_entry("interfaces", one, {"address": at, "hostname": hostname}) for one, at in interfaces],
        agent="member.py",
        sections=SECTIONS,
    )

    def judge(chain):
        leaf = x509.load_der_x509_certificate(chain[0])
        identity(leaf, [pinned(invitation.authority, chain)], invitation.clusterID, "manager")

    with reach(invitation.managers, judge) as connection:
        connection.send(join=ask)
        kind, answer = connection.receive()
    if kind != "joined" or answer.cluster_id != invitation.clusterID:
        raise Gone("the manager answered something else")
    authority = x509.load_pem_x509_certificate(answer.trust.encode())
    leaf = x509.load_pem_x509_certificate(answer.certificate.encode())
    if authority.fingerprint(hashes.SHA256()).hex() != invitation.authority:
        raise Gone("the authority in the answer is not the one that the invitation pins")
    if leaf.public_key().public_numbers() != key.public_key().public_numbers():
        raise Gone("the certificate in the answer is for another key")
    if identity(leaf, [authority], invitation.clusterID, "machine") != answer.membership:
        raise Gone("the certificate in the answer names another membership")
    facts = {
        "membership": answer.membership,
        "cluster": answer.cluster_id,
        "managers": list(answer.managers) or invitation.managers,
    }
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    disk.take_up({
        "key.pem": pem,
        "certificate.pem": answer.certificate.encode(),
        "trust.pem": answer.trust.encode(),
        "facts.json": json.dumps(facts).encode(),
    })
    say("joined", answer.cluster, answer.group)


# --- Following


def assemble(base, update):
    """The configuration that an update means, if it is the one that its target names."""
    if update.base and (base is None or base.digest() != update.base):
        raise Unfit(f"it builds on {update.base.hex()}, which is not what runs here")
    named = [section.name for section in [*update.sections, *update.changes]] + list(update.removed)
    if len(set(named)) != len(named):
        raise Unfit("it names a section twice")
    sections = dict(base.sections) if update.base else {}
    for name in update.removed:
        sections.pop(name, None)
    for section in update.sections:
        sections[section.name] = {entry.name: (entry.value, entry.layer) for entry in section.entries}
        if section_digest(section.name, sections[section.name]) != section.digest:
            raise Unfit(f"the section {section.name} does not have the digest that it says")
    for change in update.changes:
        sections[change.name] = changed(sections.get(change.name), change)
    configuration = Configuration(sections)
    if configuration.digest() != update.target.digest:
        raise Unfit(f"it makes {configuration.digest().hex()}, and its target is {update.target.digest.hex()}")
    unknown = sorted(set(sections) - set(SECTIONS))
    if unknown:
        raise Unfit(f"this member does not know the settings in {', '.join(unknown)}")
    for section, fields in FIELDS.items():
        for name, (value, _) in sections.get(section, {}).items():
            unknown = sorted(set(json.loads(value)) - fields)
            if unknown:
                raise Unfit(f"this member does not know {', '.join(unknown)} of {section}/{name}")
    return configuration


def changed(entries, change):
    """A section's entries with a change made."""
    if not entries or not set(change.removed) <= set(entries):
        raise Unfit(f"the change of {change.name} is of entries that are not here")
    named = [entry.name for entry in change.entries] + list(change.removed)
    if len(set(named)) != len(named) or not named:
        raise Unfit(f"the change of {change.name} names an entry twice, or none")
    entries = {name: entry for name, entry in entries.items() if name not in change.removed}
    entries.update({entry.name: (entry.value, entry.layer) for entry in change.entries})
    if section_digest(change.name, entries) != change.digest:
        raise Unfit(f"the change of {change.name} does not make the digest that it says")
    return entries


def collect(configuration, held, update):
    """The material that a configuration needs, of what is held and what came along."""
    material = dict(held)
    for item in update.material:
        name = f"{'keys' if item.kind == wire.Material.KIND_KEY else 'chains'}/{item.digest.hex()}.pem"
        check_material(name, item.pem)
        material[name] = item.pem
    missing = sorted(configuration.needed() - set(material))
    if missing:
        raise Unfit(f"it lacks {', '.join(missing)}")
    return {name: material[name] for name in configuration.needed()}


class Member:
    def __init__(self, disk, lies=False):
        self.disk, self.lies = disk, lies
        self.services = Services(disk)
        self.needs_whole = False
        self.failures = 0
        self.running = disk.current()
        if self.running:
            self.services.apply(self.running)

    def follow(self):
        """Follows managers until the membership is over."""
        facts = json.loads(self.disk.load("identity", "facts.json"))
        end = b"-----END CERTIFICATE-----"
        trust = [part + end for part in self.disk.load("identity", "trust.pem").split(end) if part.strip()]
        authorities = [x509.load_pem_x509_certificate(pem) for pem in trust]
        certificate = [self.disk.path("identity", name) for name in ("certificate.pem", "key.pem")]

        def judge(chain):
            identity(x509.load_der_x509_certificate(chain[0]), authorities, facts["cluster"], "manager")

        for manager in itertools.cycle(facts["managers"]):
            try:
                with Connection(manager, judge, MEMBER_FRAME_BYTES, certificate) as connection:
                    return self.converse(connection)
            except (Gone, Refused, OSError) as reason:
                say("gone", manager, reason)
            time.sleep(random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self.failures, 10))))
            self.failures += 1

    def rejection(self):
        kept = self.disk.recall("rejection")
        return wire.Receipt.FromString(kept) if kept else None

    def converse(self, connection):
        running = self.running.configuration.digest() if self.running and not self.needs_whole else b""
        rejection = self.rejection()
        hello = wire.Hello(version=VERSION, agent="member.py", clock=int(time.time()), running=running, sections=SECTIONS)
        hello.rejected = rejection.target.digest if rejection else b""
        if self.seen() != NOTHING_SEEN:
            hello.seen.CopyFrom(self.seen())
        connection.send(hello=hello)
        say("hello", running.hex() or "nothing")
        is_welcome = False
        while True:
            kind, message = connection.receive()
            if kind == "welcome":
                if message.version not in (0, VERSION):
                    raise Gone(f"the manager wants to speak version {message.version}")
                self.see(message.head)
                is_welcome, self.failures = True, 0
                say("welcome", message.head.position)
                if rejection:
                    connection.send(receipt=rejection)
            elif kind == "update" and is_welcome:
                self.see(message.head)
                connection.send(receipt=self.update(message))
            elif kind == "ended":
                self.disk.flatten()
                return say("standalone", message.reason)
            else:
                raise Gone(f"{kind} was not expected")

    def seen(self):
        kept = self.disk.recall("seen")
        return wire.Sighting.FromString(kept) if kept else NOTHING_SEEN

    def see(self, head):
        """Remembers the newest sighting; a manager that shows an older one is not followed."""
        seen = self.seen()
        if seen == NOTHING_SEEN or (head.epoch, head.position) > (seen.epoch, seen.position):
            self.disk.remember("seen", head.SerializeToString())
        elif head != seen:
            raise Gone(f"the manager's log ends at {head.position}, and {seen.position} was seen: it is an older copy")

    def update(self, update):
        """Lays out, applies and proves; answers the receipt."""
        rejection = self.rejection()
        if rejection and rejection.target.digest != update.target.digest:
            self.disk.forget("rejection")
        before, generation = self.running, self.running
        try:
            configuration = assemble(before and before.configuration, update)
            if update.base != update.target.digest:
                held = before.material if update.base else {}
                generation = self.disk.lay_out(configuration, collect(configuration, held, update))
        except Unfit as reason:
            if not update.base:
                return self.reject(update.target, reason)
            self.needs_whole = True
            raise Gone(f"the update does not fit, the next is to be whole: {reason}") from None
        self.needs_whole = False
        try:
            proofs = self.services.apply(generation)
            meant = generation.configuration.meant()
            wrong = [service for service, served, why in proofs if not why and served != meant[service]]
            if wrong and generation is not before:
                raise Unfit(f"{', '.join(wrong)} did not serve the certificate that was meant")
        except (OSError, Unfit) as reason:
            if before:
                self.services.apply(before)
            return self.reject(update.target, reason)
        if generation is not before:
            self.disk.switch(generation)
            self.running = generation
        self.disk.forget("rejection")
        digest = generation.configuration.digest()
        names = sorted(section.name for section in [*update.sections, *update.changes]) + [f"-{name}" for name in update.removed]
        say("applied", digest.hex(), "delta" if update.base else "whole", *names)
        if self.lies:
            digest = bytes([digest[0] ^ 1]) + digest[1:]
        applied = wire.Applied(digest=digest)
        for service, served, unprovable in proofs:
            applied.proofs.add(service=service, served=served, unprovable=unprovable)
        return wire.Receipt(target=update.target, time=int(time.time()), applied=applied)

    def reject(self, target, reason):
        rejected = wire.Rejected(reasons=[str(reason)[:REASON_LENGTH]])
        receipt = wire.Receipt(target=target, time=int(time.time()), rejected=rejected)
        self.disk.remember("rejection", receipt.SerializeToString())
        say("rejected", target.digest.hex(), reason)
        return receipt


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=["join", "run"])
    parser.add_argument("--state-dir", required=True)
    parser.add_argument("--name", help="the machine's name in the cluster")
    parser.add_argument("--hostname", help="its host name")
    parser.add_argument("--interface", action="append", default=[], help="NAME=ADDRESS")
    parser.add_argument("--lie", action="store_true", help="put a wrong digest into receipts")
    options = parser.parse_args()
    disk = Disk(options.state_dir)
    try:
        if options.command == "join":
            interfaces = [tuple(one.split("=", 1)) for one in options.interface]
            join(disk, Invitation.read(sys.stdin.read()), options.name, options.hostname, interfaces)
            return
        member = Member(disk, lies=options.lie)
        if disk.is_member():
            member.follow()
        say("serving alone")
        signal.pause()
    except (Gone, Refused, OSError) as reason:
        sys.exit(f"{reason}")


if __name__ == "__main__":
    main()
