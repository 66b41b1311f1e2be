import { RotaError } from '../../src/errors.ts'
import { isObject, parseObject } from '../fake/json.ts'

/** How a request ended, in a few words: what the host gets, or how it rejects. */
export async function outcomeOf(asking: Promise<Response>): Promise<string> {
  const settled = await asking.then(
    (response) => ({ response }),
    (error: unknown) => ({ error }),
  )
  if ('error' in settled) return errorOf(settled.error)
  const { response } = settled
  try {
    return `${response.status} ${shown(await response.text())}`
  } catch (error) {
    return `${response.status} then ${errorOf(error)}`
  }
}

function errorOf(error: unknown): string {
  if (error instanceof RotaError) return `RotaError ${error.code}: ${error.message}`
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** The text that the model has said, or the body as it is. */
function shown(body: string): string {
  const said = body
    .split('\n')
    .map((line) => (line.startsWith('data: ') ? saidIn(line.slice(6)) : ''))
  return said.join('') === '' ? body : said.join('')
}

/** In one event, of either provider. */
function saidIn(json: string): string {
  const event = parseObject(json) ?? {}
  const delta = event['delta']
  if (event['type'] === 'response.output_text.delta') return String(delta)
  return isObject(delta) && delta['type'] === 'text_delta' ? String(delta['text']) : ''
}
