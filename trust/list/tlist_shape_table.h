/* tlist_shape_table.h -- which element holds which, TS 119 612 5.2 to 5.6 (trusted-lists.md 2.4).
 * SHAPE(element, children, flags)
 * children: names in their order, each with `!` one, `?` optional, `+` one or more, `*` any; `A|B` either of
 * them. flags: LANG each child has xml:lang and is not empty, CRITICAL each child has Critical, 0 none. An
 * element without a row is a leaf, or open for any content.
 */
SHAPE("TrustServiceStatusList", "SchemeInformation! TrustServiceProviderList? ds:Signature!", 0)
SHAPE("SchemeInformation",
      "TSLVersionIdentifier! TSLSequenceNumber! TSLType! SchemeOperatorName! SchemeOperatorAddress! "
      "SchemeName! "
      "SchemeInformationURI! StatusDeterminationApproach! SchemeTypeCommunityRules? SchemeTerritory! "
      "PolicyOrLegalNotice? HistoricalInformationPeriod! PointersToOtherTSL? ListIssueDateTime! NextUpdate! "
      "DistributionPoints? SchemeExtensions?",
      0)
SHAPE("SchemeOperatorName", "Name+", LANG)
SHAPE("SchemeName", "Name+", LANG)
SHAPE("TSPName", "Name+", LANG)
SHAPE("TSPTradeName", "Name+", LANG)
SHAPE("ServiceName", "Name+", LANG)
SHAPE("SchemeInformationURI", "URI+", LANG)
SHAPE("SchemeTypeCommunityRules", "URI+", LANG)
SHAPE("TSPInformationURI", "URI+", LANG)
SHAPE("SchemeServiceDefinitionURI", "URI+", LANG)
SHAPE("TSPServiceDefinitionURI", "URI+", LANG)
SHAPE("DistributionPoints", "URI+", 0)
SHAPE("SchemeOperatorAddress", "PostalAddresses! ElectronicAddress!", 0)
SHAPE("TSPAddress", "PostalAddresses! ElectronicAddress!", 0)
SHAPE("PostalAddresses", "PostalAddress+", LANG)
SHAPE("PostalAddress", "StreetAddress! Locality! StateOrProvince? PostalCode? CountryName!", 0)
SHAPE("ElectronicAddress", "URI+", 0)
SHAPE("PolicyOrLegalNotice", "TSLPolicy|TSLLegalNotice+", 0)
SHAPE("NextUpdate", "dateTime?", 0)
SHAPE("PointersToOtherTSL", "OtherTSLPointer+", 0)
SHAPE("OtherTSLPointer", "ServiceDigitalIdentities? TSLLocation! AdditionalInformation?", 0)
SHAPE("ServiceDigitalIdentities", "ServiceDigitalIdentity+", 0)
SHAPE("AdditionalInformation", "TextualInformation|OtherInformation*", 0)
SHAPE("TrustServiceProviderList", "TrustServiceProvider+", 0)
SHAPE("TrustServiceProvider", "TSPInformation! TSPServices!", 0)
SHAPE("TSPInformation", "TSPName! TSPTradeName? TSPAddress! TSPInformationURI! TSPInformationExtensions?", 0)
SHAPE("TSPServices", "TSPService+", 0)
SHAPE("TSPService", "ServiceInformation! ServiceHistory?", 0)
SHAPE(
    "ServiceInformation",
    "ServiceTypeIdentifier! ServiceName! ServiceDigitalIdentity! ServiceStatus! StatusStartingTime! "
    "SchemeServiceDefinitionURI? ServiceSupplyPoints? TSPServiceDefinitionURI? ServiceInformationExtensions?",
    0)
SHAPE("ServiceSupplyPoints", "ServiceSupplyPoint+", 0)
SHAPE("ServiceHistory", "ServiceHistoryInstance*", 0)
SHAPE("ServiceHistoryInstance",
      "ServiceTypeIdentifier! ServiceName! ServiceDigitalIdentity! ServiceStatus! StatusStartingTime! "
      "ServiceInformationExtensions?",
      0)
SHAPE("ServiceDigitalIdentity", "DigitalId*", 0)
SHAPE("DigitalId", "X509Certificate|X509SubjectName|ds:KeyValue|X509SKI|Other!", 0)
SHAPE("SchemeExtensions", "Extension+", CRITICAL)
SHAPE("TSPInformationExtensions", "Extension+", CRITICAL)
SHAPE("ServiceInformationExtensions", "Extension+", CRITICAL)
