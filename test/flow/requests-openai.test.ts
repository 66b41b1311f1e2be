import { createFakeOpenAI } from '../fake/openai.ts'
import { describeRequests } from './requests.ts'

describeRequests('OpenAI Responses', () =>
  createFakeOpenAI({ accounts: ['first', 'second', 'third'] }),
)
