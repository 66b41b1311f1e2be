export { anthropicAccounts, openaiAccounts } from './plugin.ts'
