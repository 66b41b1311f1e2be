import { createFakeAnthropic } from '../fake/anthropic.ts'
import { describeRequests } from './requests.ts'

describeRequests('Anthropic Messages', () =>
  createFakeAnthropic({ accounts: ['first', 'second', 'third'] }),
)
