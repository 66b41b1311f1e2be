import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createVoice } from '../../src/host/voice.ts'

const HOSTILE = '\u001b[2J\u001b]0;title\u0007work\u202egnol\u0000\nBearer sk-canary-of-a-person-1'

describe('what the plugin says', () => {
  it('holds no escape sequence, no control or bidi character and no token, in a toast or in the log', async () => {
    const { client, said } = listen()
    const voice = createVoice(client, 'claude-multiauth')
    voice.open()
    voice.toast('info', HOSTILE)
    voice.log('warn', HOSTILE)
    await expect.poll(() => said).toHaveLength(2)
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

  it('stands in the log in the order in which it was said, whatever a line costs the host', async () => {
    const { client, said } = listen([20, 0, 10])
    const voice = createVoice(client, 'claude-multiauth')
    for (const text of ['one', 'two', 'three']) voice.log('info', text)
    await expect.poll(() => said).toHaveLength(3)
    expect(said).toEqual(['one', 'two', 'three'].map((text) => `claude-multiauth: ${text}`))
  })

  it('goes on in the log after a line that the host never takes, or refuses', async () => {
    const { client, said } = listen([Infinity, -1])
    const voice = createVoice(client, 'claude-multiauth')
    for (const text of ['never', 'refused', 'three']) voice.log('info', text)
    await expect.poll(() => said).toEqual(['claude-multiauth: three'])
  })
})

/** `costs`: ms that each line of the log takes; Infinity: for ever; negative: it is refused. */
function listen(costs: readonly number[] = []) {
  const left = [...costs]
  const said: string[] = []
  const answer = { data: true } as const
  const client = {
    app: {
      async log({ body }: { body: { message: string } }) {
        const cost = left.shift() ?? 0
        if (cost < 0) throw new Error('refused')
        if (cost > 0) await (cost === Infinity ? new Promise(() => {}) : delay(cost))
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
