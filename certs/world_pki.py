"""world_pki -- keys and certificates of the demo world, made fresh, never secret.

Everything is P-256 unless a caller asks for RSA. Certificates follow RFC 5280 strictly (identity.md 5) and carry what EN 319 412
asks of the real ones: organizationIdentifier (2.5.4.97), QcStatements, an OCSP address. Debian's python3-cryptography is enough.
"""
import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

NOW = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
ORGANISATION_ID = ObjectIdentifier("2.5.4.97")
QC_STATEMENTS = ObjectIdentifier("1.3.6.1.5.5.7.1.3")
TSL_SIGNING = ObjectIdentifier("0.4.0.2231.3.0")
QC_COMPLIANCE, QC_TYPE, QC_PDS = "0.4.0.1862.1.1", "0.4.0.1862.1.6", "0.4.0.1862.1.5"
QC_WEB, QC_ESEAL = "0.4.0.1862.1.6.3", "0.4.0.1862.1.6.2"
QCP_LEGAL, QNCP_WEB = "0.4.0.194112.1.1", "0.4.0.194112.1.5"


def days(n):
    return NOW + datetime.timedelta(days=n)


# ---- DER, as much as QcStatements and IssuerSerial need ----

def der(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    head = bytes([n]) if n < 128 else (lambda b: bytes([0x80 | len(b)]) + b)(n.to_bytes((n.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + head + body


def der_oid(dotted):
    first, second, *rest = (int(x) for x in dotted.split("."))
    out = bytearray()
    for arc in [40 * first + second] + rest:
        chunk = [arc & 0x7F]
        while arc > 0x7F:
            arc >>= 7
            chunk.append(0x80 | (arc & 0x7F))
        out += bytes(reversed(chunk))
    return der(0x06, bytes(out))


def qc_statements(kind, pds="https://pds.example/en.pdf"):
    """QcCompliance, QcType and QcPDS of EN 319 412-5."""
    statements = [der(0x30, der_oid(QC_COMPLIANCE)),
                  der(0x30, der_oid(QC_TYPE), der(0x30, der_oid(kind))),
                  der(0x30, der_oid(QC_PDS), der(0x30, der(0x30, der(0x16, pds.encode()), der(0x13, b"en"))))]
    return x509.UnrecognizedExtension(QC_STATEMENTS, der(0x30, *statements))


def issuer_serial(certificate):
    """IssuerSerial of RFC 5035, for SigningCertificateV2 in XAdES."""
    serial = certificate.serial_number
    return der(0x30, der(0x30, der(0xA4, certificate.issuer.public_bytes())),
               der(0x02, serial.to_bytes(serial.bit_length() // 8 + 1, "big")))


# ---- organisation identifiers ----

def corporate_number(last12):
    """A Japanese corporate number: the check digit comes first (identity.md 10.1)."""
    total = sum(int(d) * (1 if n % 2 else 2) for n, d in enumerate(reversed(last12), 1))
    return str(9 - total % 9) + last12


# ---- keys, names, certificates ----

def key_p256():
    return ec.generate_private_key(ec.SECP256R1())


def key_rsa(bits=3072):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def key_ed25519():
    return ed25519.Ed25519PrivateKey.generate()


def name(country, organisation, common, organisation_id=None):
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, country), x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)]
    if organisation_id:
        parts.append(x509.NameAttribute(ORGANISATION_ID, organisation_id))
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, common))
    return x509.Name(parts)


def key_usage(*bits):
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
             "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{bit: bit in bits for bit in every})


class Holder:
    """A key, its certificate and, for a CA, the address where its OCSP responder answers."""

    def __init__(self, key, certificate, ocsp_url=None, crl_url=None):
        self.key, self.certificate, self.ocsp_url, self.crl_url = key, certificate, ocsp_url, crl_url
        self.issued = []  # certificates whose status the responder knows

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def ski(self):
        return self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest

    @property
    def sha256(self):
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def certificate(subject, key, issuer=None, start=-1, end=365, ca=False, usage=(), eku=(), eku_critical=False, policies=(), sans=(),
                extra=(), no_ocsp=False):
    """`issuer` None: self-signed. `start` and `end` in days from now. Returns a Holder."""
    signer_key = issuer.key if issuer else key
    ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (x509.CertificateBuilder().subject_name(subject)
               .issuer_name(issuer.certificate.subject if issuer else subject)
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(days(start)).not_valid_after(days(end))
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
               .add_extension(ski, critical=False)
               .add_extension(key_usage(*usage), critical=True))
    if issuer:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(issuer.ski, None, None), critical=False)
        if issuer.ocsp_url and not no_ocsp:
            where = x509.AccessDescription(x509.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(issuer.ocsp_url))
            builder = builder.add_extension(x509.AuthorityInformationAccess([where]), critical=False)
        if issuer.crl_url and not no_ocsp:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(issuer.crl_url)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    if eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(eku)), critical=eku_critical)
    if policies:
        infos = [x509.PolicyInformation(ObjectIdentifier(p), None) for p in policies]
        builder = builder.add_extension(x509.CertificatePolicies(infos), critical=False)
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(sans)), critical=False)
    for extension in extra:
        builder = builder.add_extension(extension, critical=False)
    algorithm = None if isinstance(signer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = Holder(key, builder.sign(signer_key, algorithm))
    if issuer:
        issuer.issued.append(made.certificate)
    return made


def authority(country, organisation, common, ocsp_url=None, start=-5 * 365, end=10 * 365):
    holder = certificate(name(country, organisation, common), key_p256(), start=start, end=end, ca=True,
                         usage=("key_cert_sign", "crl_sign"))
    holder.ocsp_url = ocsp_url
    return holder


def crl(ca):
    """A CRL of a conforming CA (RFC 5280 5.2) that lists nobody, DER."""
    made = (x509.CertificateRevocationListBuilder().issuer_name(ca.certificate.subject).last_update(NOW).next_update(days(7))
            .add_extension(x509.AuthorityKeyIdentifier(ca.ski, None, None), critical=False).add_extension(x509.CRLNumber(1), critical=False))
    return made.sign(ca.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def responder(ca, common):
    """A delegated OCSP responder: OCSPSigning, and nocheck, since nobody could answer for it (RFC 6960 4.2.2.2.1)."""
    subject = x509.Name([a for a in ca.certificate.subject if a.oid != NameOID.COMMON_NAME]
                        + [x509.NameAttribute(NameOID.COMMON_NAME, common)])
    return certificate(subject, key_p256(), ca, usage=("digital_signature",), eku=(ExtendedKeyUsageOID.OCSP_SIGNING,),
                       extra=(x509.OCSPNoCheck(),), no_ocsp=True)


# ---- files ----

def write(path, data, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def write_holder(base, holder, chain=()):
    """base.pem (certificate, then its chain) and base.key."""
    write(base + ".pem", holder.pem + b"".join(c.pem for c in chain))
    write(base + ".key", key_pem(holder.key), 0o600)
