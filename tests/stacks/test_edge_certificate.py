"""The certificate of the distributions."""


def test_the_certificate_is_validated_by_dns_for_each_host(emitted, config):
    """The certificate covers <domain>, www. and assets., with records in the hosted zone."""
    certificate = emitted["edge-certificate"].one("AWS::CertificateManager::Certificate")

    domain, zone = config.env.domain, config.env.hosted_zone
    hosts = [domain, f"www.{domain}", f"assets.{domain}"]

    assert hosts == [certificate["DomainName"], *certificate["SubjectAlternativeNames"]]
    assert [{"DomainName": host, "HostedZoneId": zone} for host in hosts] == certificate[
        "DomainValidationOptions"
    ]


def test_the_certificate_is_in_the_region_of_cloudfront(emitted):
    """CloudFront only uses certificates in us-east-1."""
    assert emitted["edge-certificate"].stack.region == "us-east-1"
