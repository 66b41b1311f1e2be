import { API_KEY_PLAN } from '../../../machines/facts.ts'
import type { Provider } from '../provider.ts'
import { family } from './family.ts'
import { judge } from './judge.ts'
import { readUsage } from './limits.ts'
import { login } from './login.ts'
import { prepare } from './prepare.ts'
import { refresh } from './refresh.ts'
import { readEvent } from './stream.ts'
import { askUsage, readUsageReport } from './usage.ts'

const PLAN_LABELS: ReadonlyMap<string, string> = new Map([
  ['max', 'Claude Max'],
  ['pro', 'Claude Pro'],
  ['free', 'Free'],
  [API_KEY_PLAN.toLowerCase(), 'API key'],
])

/** Anthropic: accounts of Claude Pro and Claude Max. */
export const anthropic: Provider = {
  id: 'anthropic',
  name: 'Anthropic',
  accountsFile: 'anthropic-multi-account-accounts.json',
  configFiles: ['claude-multiauth.json'],
  logService: 'claude-multiauth',
  toolPrefix: 'claude_multiauth',
  endpoints: {
    authorize: 'https://claude.ai/oauth/authorize',
    token: 'https://console.anthropic.com/v1/oauth/token',
    usage: 'https://api.anthropic.com/api/oauth/usage',
    profile: 'https://api.anthropic.com/api/oauth/profile',
    api: undefined,
  },
  transforms: {
    enableMessagesBetaQuery: true,
    addToolPrefix: true,
    stripToolPrefixInResponse: true,
    rewriteOpenCodeBranding: true,
    omitForeignReasoning: false,
  },
  planLabel: (tier) => PLAN_LABELS.get(tier.toLowerCase()) ?? tier,
  family,
  prepare,
  needsKey: () => false,
  withoutReasoning: () => undefined,
  judge,
  readEvent,
  readUsage,
  askUsage,
  readUsageReport,
  refresh,
  login,
  errorBody: (error) =>
    JSON.stringify({ type: 'error', error: { type: error.type, message: error.message } }),
}
