/* code_table.h -- every decision there is (policy.md 14).
 * C(id, code, HTTP for the peer, HTTP from the response phase on (0: the same), worth retrying, title en,
 * title ja)
 */
C(PERMIT_GRANTED, "permit.granted", 0, 0, false, "The exchange is allowed", "交換は許可されました")
C(BUNDLE_NONE, "bundle.none", 503, 0, true, "No policy is loaded", "ポリシーが読み込まれていません")
C(BUNDLE_NOT_YET_VALID, "bundle.not_yet_valid", 503, 0, true, "The policy is not yet valid",
  "ポリシーはまだ有効ではありません")
C(BUNDLE_EXPIRED, "bundle.expired", 503, 0, true, "The policy has expired",
  "ポリシーの有効期限が切れています")
C(DECLARED_MALFORMED, "declared.malformed", 400, 0, false, "A DFFT field is malformed",
  "DFFTフィールドの形式が正しくありません")
C(REQUEST_PATH_AMBIGUOUS, "request.path_ambiguous", 400, 0, false, "The path is ambiguous",
  "パスがあいまいです")
C(DATASET_UNKNOWN, "dataset.unknown", 403, 0, false, "No dataset at this address",
  "この宛先にデータセットはありません")
C(DATASET_METHOD, "dataset.method", 403, 0, false, "The dataset does not offer this method",
  "データセットはこのメソッドを提供していません")
C(DATASET_MEDIA_TYPE, "dataset.media_type", 415, 502, false, "The media type is not listed for the dataset",
  "データセットで認められていないメディアタイプです")
C(GUARD_MATCHED, "guard.matched", 403, 0, false, "A guard forbids the exchange",
  "ガードにより交換は禁止されています")
C(GUARD_UNKNOWN, "guard.unknown", 403, 0, false, "A guard could not be evaluated",
  "ガードを評価できませんでした")
C(GUARD_INDIVIDUAL_NUMBER, "guard.individual_number", 403, 0, false, "The body holds an Individual Number",
  "本文に個人番号が含まれています")
C(PEER_KIND, "peer.kind", 403, 0, false, "This kind of peer may not use data routes",
  "この種類の相手方はデータ経路を利用できません")
C(PEER_NO_PARTY, "peer.no_party", 403, 0, false, "The peer is not a known party",
  "相手方は登録された当事者ではありません")
C(AGREEMENT_NONE, "agreement.none", 403, 0, false, "No agreement covers this exchange",
  "この交換を対象とする合意がありません")
C(AGREEMENT_UNKNOWN, "agreement.unknown", 403, 0, false, "The named agreement is not known",
  "指定された合意は存在しません")
C(AGREEMENT_NOT_PARTY, "agreement.not_party", 403, 0, false, "The peer is not a party to the agreement",
  "相手方は合意の当事者ではありません")
C(AGREEMENT_AMBIGUOUS, "agreement.ambiguous", 403, 0, false,
  "More than one agreement applies; name one in DFFT-Agreement",
  "複数の合意が該当します。DFFT-Agreementで指定してください")
C(AGREEMENT_NOT_ACTIVE, "agreement.not_active", 403, 0, false, "The agreement is not active",
  "合意は有効な状態ではありません")
C(AGREEMENT_NOT_YET_VALID, "agreement.not_yet_valid", 403, 0, false, "The agreement is not yet valid",
  "合意の有効期間はまだ始まっていません")
C(AGREEMENT_EXPIRED, "agreement.expired", 403, 0, false, "The agreement has expired",
  "合意の有効期間が終了しています")
C(AGREEMENT_SEAL_MISSING, "agreement.seal_missing", 403, 0, false,
  "A party's seal on the agreement is missing", "合意に当事者のeシールがありません")
C(AGREEMENT_SEAL_INVALID, "agreement.seal_invalid", 403, 0, false,
  "A party's seal on the agreement is invalid", "合意に付された当事者のeシールが無効です")
C(BASIS_MISMATCH, "basis.mismatch", 403, 0, false, "The declared legal basis is not that of the agreement",
  "申告された法的根拠が合意と一致しません")
C(BASIS_CHECK_FAILED, "basis.check_failed", 403, 0, false, "The legal basis does not hold for this exchange",
  "法的根拠の要件を満たしていません")
C(BASIS_CHECK_OVERDUE, "basis.check_overdue", 403, 0, false,
  "The periodic check of equivalent measures is overdue", "相当措置の定期的な確認期限を過ぎています")
C(BASIS_RECIPIENT_TYPE, "basis.recipient_type", 403, 0, false,
  "The legal basis does not cover this kind of recipient", "法的根拠はこの種類の受領者を対象としていません")
C(BASIS_DESTINATION, "basis.destination", 403, 0, false, "The legal basis does not cover the destination",
  "法的根拠はこの移転先を対象としていません")
C(PARTNERSHIP_NOT_ACTIVE, "partnership.not_active", 403, 0, false, "The partnership is not active",
  "パートナーシップは有効な状態ではありません")
C(PARTNERSHIP_GROUP, "partnership.group", 403, 0, false,
  "The parties do not belong to two groups of the partnership",
  "当事者がパートナーシップの二つの異なるグループに属していません")
C(PARTNERSHIP_INSTRUMENT_EXPIRED, "partnership.instrument_expired", 403, 0, false,
  "The legal instrument is not in time", "法的文書の有効期間外です")
C(PARTNERSHIP_INSTRUMENT_REPEALED, "partnership.instrument_repealed", 403, 0, false,
  "The legal instrument is repealed", "法的文書は廃止されています")
C(PARTNERSHIP_INSTRUMENT_SUSPENDED, "partnership.instrument_suspended", 403, 0, false,
  "The legal instrument is suspended", "法的文書は効力を停止されています")
C(PARTNERSHIP_DIRECTION, "partnership.direction", 403, 0, false,
  "The legal instrument does not cover this direction", "法的文書はこの方向の移転を対象としていません")
C(PARTNERSHIP_PURPOSE, "partnership.purpose", 403, 0, false, "The purpose is outside the partnership's",
  "目的がパートナーシップの範囲外です")
C(PARTNERSHIP_NEVER, "partnership.never", 403, 0, false, "The partnership rules this exchange out",
  "パートナーシップはこの交換を認めていません")
C(TRUST_ASSURANCE_BELOW_FLOOR, "trust.assurance_below_floor", 403, 0, false,
  "The peer's assurance is below the partnership's floor",
  "相手方の保証水準がパートナーシップの下限に達していません")
C(TRUST_LIST_ORIGIN, "trust.list_origin", 403, 0, false,
  "The origin of the peer's trusted list is below the floor",
  "相手方のトラステッドリストの出所が下限に達していません")
C(TRUST_LIST_STALE, "trust.list_stale", 503, 0, true, "The peer's trusted list is too old",
  "相手方のトラステッドリストが古すぎます")
C(TRUST_REVOCATION_STALE, "trust.revocation_stale", 503, 0, true, "The peer's revocation status is too old",
  "相手方の失効情報が古すぎます")
C(PROHIBIT_MATCHED, "prohibit.matched", 403, 0, false, "The agreement prohibits the exchange",
  "合意により交換は禁止されています")
C(PROHIBIT_UNKNOWN, "prohibit.unknown", 403, 0, false,
  "A prohibition of the agreement could not be evaluated", "合意の禁止条項を評価できませんでした")
C(PERMIT_NONE, "permit.none", 403, 0, false, "The agreement does not permit this method on this dataset",
  "合意はこのデータセットとメソッドを許可していません")
C(PERMIT_CONDITION_FALSE, "permit.condition_false", 403, 0, false, "A condition of the agreement is not met",
  "合意の条件が満たされていません")
C(PERMIT_CONDITION_UNKNOWN, "permit.condition_unknown", 403, 0, false,
  "A condition of the agreement could not be evaluated", "合意の条件を評価できませんでした")
C(LABEL_ONWARD_FORBIDDEN, "label.onward_forbidden", 403, 0, false,
  "Data received under adequacy may not go onward on this basis",
  "十分性認定に基づき受領したデータはこの根拠で再移転できません")
C(LABEL_PURPOSE_WIDENED, "label.purpose_widened", 403, 0, false, "The purpose is wider than at import",
  "目的が受領時の範囲を超えています")
C(OBLIGATION_CONFLICT, "obligation.conflict", 403, 0, false, "Obligations contradict each other",
  "義務が互いに矛盾しています")
C(OBLIGATION_UNCONFIGURED, "obligation.unconfigured", 403, 0, false,
  "An obligation cannot be met by this gateway", "このゲートウェイでは履行できない義務があります")
C(OBLIGATION_UNAVAILABLE, "obligation.unavailable", 503, 0, true,
  "A service needed for an obligation is unavailable", "義務の履行に必要なサービスが利用できません")
C(OBLIGATION_FAILED, "obligation.failed", 503, 0, true, "An obligation could not be fulfilled",
  "義務を履行できませんでした")
C(QUOTA_REQUESTS, "quota.requests", 429, 0, true, "The request quota is used up",
  "リクエスト数の上限に達しました")
C(QUOTA_BYTES, "quota.bytes", 429, 0, true, "The volume quota is used up", "データ量の上限に達しました")
C(QUOTA_RECORDS, "quota.records", 429, 0, true, "The record quota is used up", "レコード数の上限に達しました")
C(QUOTA_STORE_UNAVAILABLE, "quota.store_unavailable", 503, 0, true, "Quota counters cannot be read",
  "利用量カウンターを読み取れません")
C(BODY_UNINSPECTABLE, "body.uninspectable", 403, 0, false, "The body cannot be inspected",
  "本文を検査できません")
C(BODY_TOO_FEW_RECORDS, "body.too_few_records", 403, 0, false, "The answer has too few records",
  "回答のレコード数が少なすぎます")
C(BODY_TOO_LARGE, "body.too_large", 413, 502, false, "The body is over the limit for inspection",
  "本文が検査可能な上限を超えています")
C(BODY_REDACTION_FAILED, "body.redaction_failed", 502, 0, false, "The body could not be redacted",
  "本文の墨消しに失敗しました")
C(AUTHORITY_CASE_MISSING, "authority.case_missing", 403, 0, false, "A case reference is required",
  "事案番号が必要です")
C(AUTHORITY_SCOPE, "authority.scope", 403, 0, false, "The request is outside the authority's grants",
  "当局に認められた範囲外の要求です")
C(AUTHORITY_WINDOW, "authority.window", 403, 0, false, "The request reaches back too far",
  "要求された期間が認められた範囲を超えています")
C(AUTHORITY_NOT_IDENTIFIED, "authority.not_identified", 403, 0, false,
  "The peer is not an identified authority", "相手方は当局として識別されていません")
C(AUTHORITY_PENDING, "authority.pending", 202, 0, false, "The request awaits approval", "要求は承認待ちです")
C(ENGINE_FACTS, "engine.facts", 503, 0, true, "The facts about the exchange contradict each other",
  "交換に関する事実が矛盾しています")
C(ENGINE_LIMIT, "engine.limit", 503, 0, true, "The policy engine reached a limit",
  "ポリシーエンジンが上限に達しました")
