"""The certificate of the API."""


def test_the_certificate_of_the_api_is_validated_by_dns(emitted, config):
    """CloudFormation creates the validation record in the hosted zone."""
    certificate = emitted["dns"].one("AWS::CertificateManager::Certificate")

    host = f"api.{config.env.domain}"

    assert host == certificate["DomainName"]
    assert certificate["ValidationMethod"] == "DNS"
    assert [{"DomainName": host, "HostedZoneId": config.env.hosted_zone}] == certificate[
        "DomainValidationOptions"
    ]


def test_the_certificate_is_in_the_region_of_the_load_balancer(emitted, config):
    """A load balancer only uses certificates of its own region."""
    assert config.env.region == emitted["dns"].stack.region == emitted["cluster"].stack.region
