import { API_KEY_PLAN } from '../../../machines/facts.ts'
import type { Provider } from '../provider.ts'
import { family } from './family.ts'
import { judge } from './judge.ts'
import { readUsage } from './limits.ts'
import { login } from './login.ts'
import { withoutReasoning } from './reasoning.ts'
import { CODEX_ENDPOINT, needsKey, prepare } from './prepare.ts'
import { refresh } from './refresh.ts'
import { readEvent } from './stream.ts'
import { askUsage, readUsageReport } from './usage.ts'

const USAGE_ENDPOINT = 'https://chatgpt.com/backend-api/wham/usage'

const PLAN_LABELS: ReadonlyMap<string, string> = new Map([
  ['pro', 'ChatGPT Pro'],
  ['plus', 'ChatGPT Plus'],
  ['go', 'ChatGPT Go'],
  ['free', 'Free'],
  [API_KEY_PLAN.toLowerCase(), 'API key'],
])

/** OpenAI: accounts of ChatGPT, served by the Codex endpoint. */
export const openai: Provider = {
  id: 'openai',
  name: 'OpenAI',
  accountsFile: 'openai-multi-account-accounts.json',
  configFiles: ['chatgpt-multiauth.json', 'codex-multiauth.json'],
  logService: 'chatgpt-multiauth',
  toolPrefix: 'chatgpt_multiauth',
  endpoints: {
    authorize: 'https://auth.openai.com/oauth/authorize',
    token: 'https://auth.openai.com/oauth/token',
    usage: USAGE_ENDPOINT,
    // There is no profile endpoint: the plan is part of the usage, the rest is in the token.
    profile: USAGE_ENDPOINT,
    api: CODEX_ENDPOINT,
  },
  transforms: {
    enableMessagesBetaQuery: false,
    addToolPrefix: false,
    stripToolPrefixInResponse: false,
    rewriteOpenCodeBranding: false,
    omitForeignReasoning: true,
  },
  planLabel: (tier) => PLAN_LABELS.get(tier.toLowerCase()) ?? tier,
  family,
  prepare,
  needsKey,
  withoutReasoning,
  judge,
  readEvent,
  readUsage,
  askUsage,
  readUsageReport,
  refresh,
  login,
  errorBody: ({ type, message }) => JSON.stringify({ error: { type, code: type, message } }),
}
