def test_the_certificate_is_for_the_site_and_each_name_is_proven(emitted, config):
    """<domain>, www. and assets., all by records in the hosted zone."""
    certificate = emitted["edge-certificate"].one("AWS::CertificateManager::Certificate")

    domain, zone = config.env.domain, config.env.hosted_zone
    names = [domain, f"www.{domain}", f"assets.{domain}"]

    assert names == [certificate["DomainName"], *certificate["SubjectAlternativeNames"]]
    assert [{"DomainName": name, "HostedZoneId": zone} for name in names] == certificate[
        "DomainValidationOptions"
    ]


def test_it_stands_where_cloudfront_looks(emitted):
    """That is us-east-1, whatever the region of the rest."""
    assert "us-east-1" == emitted["edge-certificate"].stack.region
