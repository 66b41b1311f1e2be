import { describe, expect, it } from 'vitest'
import { createVoice } from '../../src/host/voice.ts'

const HOSTILE = '\u001b[2J\u001b]0;title\u0007work\u202egnol\u0000\nBearer sk-canary-of-a-person-1'

describe('what the plugin says', () => {
  it('holds no escape sequence, no control or bidi character and no token, in a toast or in the log', () => {
    const { client, said } = listen()
    const voice = createVoice(client, 'claude-multiauth')
    voice.open()
    voice.toast('info', HOSTILE)
    voice.log('warn', HOSTILE)
    expect(said).toHaveLength(2)
    for (const text of said) {
      expect(text).toMatch(/work/)
      expect(text).not.toMatch(/canary|[\p{Cc}\p{Cf}]/u)
    }
  })

  it('holds toasts back until the host can show them, and no pile of them', () => {
    const { client, said } = listen()
    const voice = createVoice(client, 'claude-multiauth')
    for (const text of ['one', 'two', 'three', 'four']) voice.toast('info', text)
    expect(said).toEqual([])
    voice.open()
    expect(said).toEqual(['one', 'two', 'three'])
  })
})

function listen() {
  const said: string[] = []
  const answer = { data: true } as const
  const client = {
    app: {
      async log({ body }: { body: { message: string } }) {
        said.push(body.message)
        return answer
      },
    },
    tui: {
      async showToast({ body }: { body: { message: string } }) {
        said.push(body.message)
        return answer
      },
    },
  }
  return { client, said }
}
