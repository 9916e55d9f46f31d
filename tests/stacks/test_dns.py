def test_the_certificate_is_for_the_api_and_proven_in_the_hosted_zone(emitted, config):
    """Without a person: ACM finds the record that CloudFormation makes."""
    certificate = emitted["dns"].one("AWS::CertificateManager::Certificate")

    host = f"api.{config.env.domain}"

    assert host == certificate["DomainName"]
    assert "DNS" == certificate["ValidationMethod"]
    assert [{"DomainName": host, "HostedZoneId": config.env.hosted_zone}] == certificate[
        "DomainValidationOptions"
    ]


def test_it_stands_where_the_load_balancer_does(emitted, config):
    """A load balancer takes certificates of its own region only."""
    assert config.env.region == emitted["dns"].stack.region == emitted["cluster"].stack.region
