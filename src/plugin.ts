import type { Plugin } from '@opencode-ai/plugin'
import { createProviderPlugin } from './host/provider-plugin.ts'
import { anthropic } from './provider/anthropic/adapter.ts'
import { openai } from './provider/openai/adapter.ts'
import { releaseAllSync } from './store/lock.ts'

// An exit handler, never a signal handler: those would keep the host alive.
process.once('exit', releaseAllSync)

export const anthropicAccounts: Plugin = createProviderPlugin(anthropic, process.env)
export const openaiAccounts: Plugin = createProviderPlugin(openai, process.env)
