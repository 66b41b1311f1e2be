import * as v from 'valibot'

const milliseconds = (fallback: number, most = 2 ** 31 - 1) =>
  v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(most)), fallback)
const seconds = (fallback: number, least: number) =>
  v.optional(v.pipe(v.number(), v.minValue(least), v.maxValue(2 ** 21)), fallback)
const flag = v.optional(v.boolean())

/** https anywhere, or plain http on this machine: a token must not cross a network unencrypted. */
const endpoint = v.optional(
  v.pipe(v.string(), v.check(isSafeEndpoint, 'an https URL, or http on loopback')),
)

/**
 * Every configuration field: its default, its bounds and, through `docs/configuration.md`, its
 * meaning. One entry per field, so that one bad field never takes another with it.
 */
export const settingsFields = {
  enabled: v.optional(v.boolean(), true),
  account_selection_strategy: v.optional(
    v.picklist(['sticky', 'round-robin', 'hybrid', 'drain']),
    'sticky',
  ),
  soft_quota_threshold_percent: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100)), 100),
  rate_limit_min_backoff_ms: milliseconds(30_000),
  default_retry_after_ms: milliseconds(60_000),
  short_retry_after_ms: milliseconds(5_000),
  max_wait_ms: milliseconds(60_000, 240_000),
  max_consecutive_auth_failures: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 3),
  token_failure_backoff_ms: milliseconds(30_000),
  proactive_refresh: v.optional(v.boolean(), true),
  proactive_refresh_buffer_seconds: seconds(1_800, 60),
  proactive_refresh_interval_seconds: seconds(300, 30),
  max_in_flight_per_account: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  cross_process_claims: v.optional(v.boolean(), true),
  request_transforms: v.optional(
    v.object({
      enableMessagesBetaQuery: flag,
      addToolPrefix: flag,
      stripToolPrefixInResponse: flag,
      rewriteOpenCodeBranding: flag,
      omitForeignReasoning: flag,
    }),
    {},
  ),
  endpoints: v.optional(
    v.object({
      authorize: endpoint,
      token: endpoint,
      usage: endpoint,
      profile: endpoint,
      api: endpoint,
    }),
    {},
  ),
  quiet_mode: v.optional(v.boolean(), false),
  debug: v.optional(v.boolean(), false),
  inspect: v.optional(v.boolean(), false),
}

export type SettingsField = keyof typeof settingsFields

/** The configuration of one provider, with every default in place. */
export type Settings = {
  readonly [Field in SettingsField]: v.InferOutput<(typeof settingsFields)[Field]>
}

export type Strategy = Settings['account_selection_strategy']

function isSafeEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  if (protocol === 'https:') return true
  return protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
}
