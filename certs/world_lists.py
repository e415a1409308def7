"""world_lists -- trusted lists of the demo world: TS 119 612 v2.4.1, version 6, signed with XAdES baseline B by xmlsec1.

The element order is that of trusted-lists.md 2.4; the signature has exactly the two references of 2.5 and the signer profile of 2.6.
The list is written by hand here and signed by xmlsec1 (Debian), so that neither shares code with the gateway that reads it.
"""
import base64
import datetime
import os
import subprocess
import tempfile
from xml.sax.saxutils import escape

import world_pki as pki

EU = "http://uri.etsi.org/TrstSvc/"
JP = "https://j-tsl.example/TrstSvc/"
NAMESPACES = ('xmlns="http://uri.etsi.org/02231/v2#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" '
              'xmlns:add="http://uri.etsi.org/02231/v2/additionaltypes#"')
LIST_MIME = "application/vnd.etsi.tsl+xml"
LOTL_TYPE, NATIONAL_TYPE = EU + "TrustedList/TSLType/EUlistofthelists", EU + "TrustedList/TSLType/EUgeneric"
JP_TYPE = JP + "TrustedList/TSLType/JPlist"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"


def stamp(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def b64(data):
    return base64.b64encode(data).decode()


def e(tag, *children, **attributes):
    attrs = "".join(f' {k.replace("_", ":")}="{escape(v)}"' for k, v in attributes.items())
    return f"<{tag}{attrs}>{''.join(children)}</{tag}>"


def names(tag, texts):
    return e(tag, *(e("Name", escape(text), xml_lang=lang) for lang, text in texts))


def uris(tag, values):
    return e(tag, *(e("URI", escape(value), xml_lang="en") for value in values))


def address(tag, country, mail, site):
    postal = e("PostalAddress", e("StreetAddress", "1 Example Street"), e("Locality", "Example City"), e("PostalCode", "00000"),
               e("CountryName", country), xml_lang="en")
    return e(tag, e("PostalAddresses", postal),
             e("ElectronicAddress", e("URI", f"mailto:{mail}", xml_lang="en"), e("URI", site, xml_lang="en")))


def identity(holder, full=True):
    """A ServiceDigitalIdentity; history instances carry subject name and SKI only (TS 119 612 5.6.3)."""
    ids = [e("X509SubjectName", escape(holder.certificate.subject.rfc4514_string())), e("X509SKI", b64(holder.ski))]
    if full:
        ids.insert(0, e("X509Certificate", b64(holder.der)))
    return e("ServiceDigitalIdentity", *(e("DigitalId", i) for i in ids))


def additional(uri):
    return e("Extension", e("AdditionalServiceInformation", e("URI", uri, xml_lang="en")), Critical="true")


def service(type_uri, service_name, holder, history, info=()):
    """`history`: (status URI, since), newest first; the first is the current status."""
    def common(status, since, full):
        return (e("ServiceTypeIdentifier", type_uri) + names("ServiceName", service_name) + identity(holder, full)
                + e("ServiceStatus", status) + e("StatusStartingTime", stamp(since)))

    def extensions():
        return e("ServiceInformationExtensions", *(additional(u) for u in info)) if info else ""

    now = e("ServiceInformation", common(*history[0], True), extensions())
    old = [e("ServiceHistoryInstance", common(*h, False), extensions()) for h in history[1:]]
    return e("TSPService", now, e("ServiceHistory", *old) if old else "")


def provider(names_, trade_name, country, site, services):
    information = e("TSPInformation", names("TSPName", names_), names("TSPTradeName", [("en", trade_name)]),
                    address("TSPAddress", country, f"info@{site}", f"https://{site}/"), uris("TSPInformationURI", [f"https://{site}/"]))
    return e("TrustServiceProvider", information, e("TSPServices", *services))


def pointer(signers, url, tsl_type, territory, operator, rules):
    other = [e("TSLType", tsl_type), e("SchemeTerritory", territory), e("add:MimeType", LIST_MIME),
             names("SchemeOperatorName", operator), uris("SchemeTypeCommunityRules", rules)]
    return e("OtherTSLPointer", e("ServiceDigitalIdentities", *(identity(s) for s in signers)), e("TSLLocation", escape(url)),
             e("AdditionalInformation", *(e("OtherInformation", o) for o in other)))


def document(spec, sequence, issued, next_update, providers=(), pointers=()):
    """`spec`: what does not change from issue to issue."""
    scheme = [e("TSLVersionIdentifier", "6"), e("TSLSequenceNumber", str(sequence)), e("TSLType", spec["type"]),
              names("SchemeOperatorName", spec["operator"]),
              address("SchemeOperatorAddress", spec["country"], "tl@" + spec["site"], f"https://{spec['site']}/"),
              names("SchemeName", spec["name"]), uris("SchemeInformationURI", spec["information"]),
              e("StatusDeterminationApproach", spec["approach"]), uris("SchemeTypeCommunityRules", spec["rules"]),
              e("SchemeTerritory", spec["territory"]),
              e("PolicyOrLegalNotice", e("TSLLegalNotice", "A list of a demo world: nothing here has any legal meaning.", xml_lang="en")),
              e("HistoricalInformationPeriod", "65535")]
    if pointers:
        scheme.append(e("PointersToOtherTSL", *pointers))
    scheme += [e("ListIssueDateTime", stamp(issued)), e("NextUpdate", e("dateTime", stamp(next_update))),
               e("DistributionPoints", e("URI", escape(spec["url"])))]
    body = e("SchemeInformation", *scheme)
    if providers:
        body += e("TrustServiceProviderList", *providers)
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<TrustServiceStatusList {NAMESPACES} '
            f'TSLTag="http://uri.etsi.org/19612/TSLTag">{body}@SIGNATURE@</TrustServiceStatusList>\n')


def signature_template(signer, signing_time):
    rsa = hasattr(signer.key, "private_numbers") and hasattr(signer.key.public_key().public_numbers(), "n")
    method = "http://www.w3.org/2001/04/xmldsig-more#" + ("rsa-sha256" if rsa else "ecdsa-sha256")
    sha256 = "http://www.w3.org/2001/04/xmlenc#sha256"
    cert_digest = b64(bytes.fromhex(signer.sha256))
    properties = (
        '<xades:SignedProperties Id="xades-1"><xades:SignedSignatureProperties>'
        f'<xades:SigningTime>{stamp(signing_time)}</xades:SigningTime>'
        f'<xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm="{sha256}"/>'
        f'<ds:DigestValue>{cert_digest}</ds:DigestValue></xades:CertDigest>'
        f'<xades:IssuerSerialV2>{b64(pki.issuer_serial(signer.certificate))}</xades:IssuerSerialV2></xades:Cert>'
        '</xades:SigningCertificateV2></xades:SignedSignatureProperties><xades:SignedDataObjectProperties>'
        '<xades:DataObjectFormat ObjectReference="#ref-list"><xades:MimeType>text/xml</xades:MimeType></xades:DataObjectFormat>'
        '</xades:SignedDataObjectProperties></xades:SignedProperties>')
    return (
        f'<ds:Signature Id="sig-1"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXC_C14N}"/>'
        f'<ds:SignatureMethod Algorithm="{method}"/><ds:Reference Id="ref-list" URI=""><ds:Transforms>'
        '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
        f'<ds:Transform Algorithm="{EXC_C14N}"/></ds:Transforms><ds:DigestMethod Algorithm="{sha256}"/><ds:DigestValue/></ds:Reference>'
        f'<ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#xades-1"><ds:Transforms>'
        f'<ds:Transform Algorithm="{EXC_C14N}"/></ds:Transforms><ds:DigestMethod Algorithm="{sha256}"/><ds:DigestValue/></ds:Reference>'
        '</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo>'
        '<ds:Object><xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#sig-1">'
        f'{properties}</xades:QualifyingProperties></ds:Object></ds:Signature>')


def sign(unsigned, signer, path, signing_time=None):
    text = unsigned.replace("@SIGNATURE@", signature_template(signer, signing_time or pki.NOW))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        template, key, cert = (os.path.join(scratch, n) for n in ("list.xml", "key.pem", "cert.pem"))
        pki.write(template, text)
        pki.write(key, pki.key_pem(signer.key), 0o600)
        pki.write(cert, signer.pem)
        subprocess.run(["xmlsec1", "--sign", "--privkey-pem", f"{key},{cert}", "--id-attr:Id",
                        "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "--output", path, template],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=30)


def signer(country, operator, common, key=None):
    """A list signer that passes the strict profile TL-506: not a CA, SKI, tslSigning, C and O of the operator."""
    return pki.certificate(pki.name(country, operator, common), key or pki.key_p256(), start=-400, end=700,
                           usage=("digital_signature", "content_commitment"), eku=(pki.TSL_SIGNING,))


# ---- the three lists of the world ----

def lotl_spec(url, oj_uri):
    return {"type": LOTL_TYPE, "operator": [("en", "Example Commission")], "country": "LU", "site": "commission.example",
            "name": [("en", "EU:List of the lists of a demo world")], "information": [oj_uri, "https://commission.example/legal-notice.html"],
            "approach": EU + "TrustedList/StatusDetn/EUlistofthelists", "rules": [EU + "TrustedList/schemerules/EUlistofthelists"],
            "territory": "EU", "url": url}


def national_spec(url):
    return {"type": NATIONAL_TYPE, "operator": [("en", "Example Supervisory Body"), ("de", "Beispiel-Aufsichtsstelle")], "country": "DE",
            "site": "supervision.example", "name": [("en", "DE:Trusted list of a demo world")], "information": ["https://supervision.example/tl"],
            "approach": EU + "TrustedList/StatusDetn/EUappropriate",
            "rules": [EU + "TrustedList/schemerules/EUcommon", EU + "TrustedList/schemerules/DE"], "territory": "DE", "url": url}


def japanese_spec(url):
    return {"type": JP_TYPE, "operator": [("en", "Example Accreditation Office"), ("ja", "例示認定局")], "country": "JP",
            "site": "accreditation.example", "name": [("en", "JP:Trusted list of a demo world")],
            "information": ["https://accreditation.example/j-tsl"], "approach": JP + "TrustedList/StatusDetn/JPdetermination",
            "rules": [JP + "TrustedList/schemerules/JP"], "territory": "JP", "url": url}


def half_year_after(issued):
    return issued + datetime.timedelta(days=150)
