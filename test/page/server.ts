import { readFile } from 'node:fs/promises'
import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Picture } from '../../src/inspect/picture.ts'

/** The built page; `npm test` has built it. */
const PAGE = fileURLToPath(new URL('../../dist/page.html', import.meta.url))
const TOKEN = 'any-token'

/** Serves the page and its events as the real server does, and breaks when told to. */
export interface PageServer {
  readonly url: string
  /** What it was asked for, as "GET /path". */
  readonly asked: readonly string[]
  /** How many pages listen now. */
  readonly listeners: () => number
  show(picture: Picture): void
  /** Ends every stream and takes no new one. */
  breakOff(): void
  /** Keeps every stream open and is silent on new ones. */
  fallSilent(): void
  comeBack(): void
  close(): Promise<void>
}

export async function servePage(first: Picture): Promise<PageServer> {
  const html = await readFile(PAGE)
  const streams = new Set<ServerResponse>()
  const asked: string[] = []
  let latest = first
  let mood: 'well' | 'broken' | 'silent' = 'well'

  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (request.url === `/${TOKEN}/`) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html)
    } else if (request.url === `/${TOKEN}/events` && mood !== 'broken') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(mood === 'well' ? eventOf(latest) : ': silent\n\n')
      streams.add(response)
      response.once('close', () => streams.delete(response))
    } else request.destroy()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')

  function breakOff(): void {
    mood = 'broken'
    for (const stream of streams) stream.destroy()
  }

  return {
    url: `http://127.0.0.1:${address.port}/${TOKEN}/`,
    asked,
    listeners: () => streams.size,
    show: (picture) => {
      latest = picture
      for (const stream of streams) stream.write(eventOf(picture))
    },
    breakOff,
    fallSilent: () => {
      mood = 'silent'
    },
    comeBack: () => {
      mood = 'well'
    },
    close: () => {
      breakOff()
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function eventOf(picture: Picture): string {
  return `event: picture\ndata: ${JSON.stringify(picture)}\n\n`
}
