import { readFile } from 'node:fs/promises'
import { type Answer, html } from './answers.ts'

/** Built with the bundle, and beside it. */
const PAGE = new URL('./page.html', import.meta.url)

/** The live page. */
export async function livePage(): Promise<Answer> {
  return html(await readFile(PAGE, 'utf8').catch(() => NO_PAGE), [])
}

/**
 * Brings the messages to the Stately inspector. It loads nothing of it before the person agrees; the
 * frame learns neither our address nor our token, and what is sent goes to that one origin.
 */
export function statelyPage(): Answer {
  return html(STATELY_PAGE, ['frame-src https://stately.ai'])
}

const STYLE =
  ':root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}iframe{position:fixed;inset:0;width:100%;height:100%;border:0}'

const NO_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Accounts</title><style>${STYLE}</style></head>
<body><h1>The page is not installed</h1><p>What it would show is at <a href="events">events</a>.</p></body>
</html>
`

/** The frame says when it is ready, and says it again when it was loaded anew. */
const SCRIPT = `
const origin = 'https://stately.ai'
const status = document.querySelector('[role=status]')
document.querySelector('button').addEventListener('click', () => {
  const frame = document.createElement('iframe')
  let messages
  addEventListener('message', (event) => {
    if (event.origin !== origin || event.source !== frame.contentWindow) return
    if (event.data?.type !== '@statelyai.connected') return
    messages?.close()
    messages = new EventSource('inspect')
    messages.onopen = () => { status.textContent = 'Connected.' }
    messages.onerror = () => { status.textContent = 'The connection to OpenCode is lost. It comes back by itself.' }
    messages.onmessage = ({ data }) => frame.contentWindow.postMessage(JSON.parse(data), origin)
  })
  frame.title = 'Stately inspector'
  frame.referrerPolicy = 'no-referrer'
  frame.sandbox = 'allow-scripts allow-same-origin allow-popups allow-forms'
  frame.src = origin + '/inspect'
  document.querySelector('main').replaceChildren(frame)
  status.textContent = 'Loading.'
})
`

const STATELY_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Stately inspector</title><style>${STYLE}</style></head>
<body>
<main>
<h1>Stately inspector</h1>
<p>This needs the internet: it loads a page of stately.ai, a site that is not ours, and shows it what the state machines of your accounts do.</p>
<p>Sent are their states and events, times, counts, the ids of the accounts and their labels, except labels that look like an e-mail address. Tokens, keys, requests and answers are not.</p>
<button>Load stately.ai and send it this</button>
</main>
<p role="status"></p>
<script>${SCRIPT}</script>
</body>
</html>
`
