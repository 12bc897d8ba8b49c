enum CertificatesStub {}
