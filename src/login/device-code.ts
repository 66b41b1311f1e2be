import type { Device, DeviceCode } from '../provider/login.ts'
import {
  type LoginFailure,
  type LoginParts,
  type LoginResult,
  failure,
  refusal,
  stopped,
} from './result.ts'

export interface DeviceCodeLogin {
  readonly ok: true
  /** The page on which `userCode` is typed in. */
  readonly url: string
  readonly userCode: string
  /** Resolves when the person has done so, or after 15 minutes. Never rejects. */
  finish(): Promise<LoginResult>
}

/** A code that nobody has typed in by then is of no use (RFC 8628 §3.5). */
const LONGEST_WAIT_MS = 15 * 60_000
/** What `slow_down` adds to the pause between two polls (RFC 8628 §3.5). */
const SLOW_DOWN_MS = 5_000

/** Begins a login with a short code that is typed in on any device (RFC 8628, OpenAI's dialect). */
export async function startDeviceCode(
  method: DeviceCode,
  parts: LoginParts,
): Promise<DeviceCodeLogin | LoginFailure> {
  const request = requestOf(parts)
  const started = await method.start(request)
  if (started.kind !== 'started') return refusal(parts, started)
  const { device } = started
  return {
    ok: true,
    url: device.pageUrl,
    userCode: device.userCode,
    finish: () => waitForApproval(method, device, parts),
  }
}

async function waitForApproval(
  method: DeviceCode,
  device: Device,
  parts: LoginParts,
): Promise<LoginResult> {
  const { provider, world } = parts
  const request = requestOf(parts)
  const deadline = world.monotonic() + LONGEST_WAIT_MS
  let intervalMs = device.intervalMs
  while (world.monotonic() + intervalMs <= deadline) {
    if (!(await paused(parts, intervalMs))) return stopped()
    const answer = await method.poll(device, request)
    switch (answer.kind) {
      case 'pending':
      case 'unavailable':
        break
      case 'slowDown':
        intervalMs += SLOW_DOWN_MS
        break
      case 'refused':
        return refusal(parts, answer)
      case 'approved': {
        const redeemed = await provider.login.redeem(answer.grant, request)
        return redeemed.kind === 'granted'
          ? { ok: true, login: redeemed.login }
          : refusal(parts, redeemed)
      }
    }
  }
  return failure('expired', 'The code was not entered within 15 minutes. Start the login again.')
}

/** False when the login was stopped meanwhile. */
async function paused({ world, signal }: LoginParts, ms: number): Promise<boolean> {
  return world.delay(ms, signal).then(
    () => true,
    () => false,
  )
}

function requestOf({ endpoints, world, signal }: LoginParts) {
  return { endpoints, fetch: world.fetch, now: world.now, signal }
}
