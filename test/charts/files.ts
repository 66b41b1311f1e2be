import { readFile } from 'node:fs/promises'
import type { AnyStateMachine } from 'xstate'
import { accountMachine } from '../../machines/account.ts'
import { claimsMachine } from '../../machines/claims.ts'
import { poolMachine } from '../../machines/pool.ts'
import { refreshMachine } from '../../machines/refresh.ts'
import { readChart } from './chart.ts'
import type { Direction } from './elk-graph.ts'
import { layoutOf } from './layout.ts'
import { mermaidOf } from './mermaid.ts'
import { overviewOf } from './overview.ts'
import { svgOf } from './svg.ts'

/** The project's folder: paths of files are relative to it. */
export const ROOT = new URL('../../', import.meta.url)

export const DRAWN: readonly Drawn[] = [
  {
    machine: accountMachine,
    direction: 'RIGHT',
    description:
      'One account. Its region availability says whether the account may serve: what happens ' +
      'leads to resolving, which decides by the facts between active, rateLimited, cooling, ' +
      'authFailing and disabled. Its region token says whether a renewal runs.',
  },
  {
    machine: poolMachine,
    direction: 'DOWN',
    description:
      'The supervisor of the accounts, in three regions: whether the store can be read, what ' +
      'accounts report, and whether tokens are renewed in the background.',
  },
  {
    machine: refreshMachine,
    direction: 'DOWN',
    description:
      'One renewal of one token: rereading, claiming the right to spend the refresh token, ' +
      'exchanging it or awaiting what another process records, and settled.',
  },
  {
    machine: claimsMachine,
    direction: 'DOWN',
    description:
      'The leases of this process and what it knows of those of others: off, or on in two ' +
      'regions, one for ours and one for theirs.',
  },
]

/** What the live page shows of an account at first. */
const ON_PAGE: readonly AnyStateMachine[] = [accountMachine, refreshMachine]

interface Drawn {
  readonly machine: AnyStateMachine
  /** Which way the picture is easier to read. */
  readonly direction: Direction
  /** For those who do not see the picture. */
  readonly description: string
}

/** All that `npm run charts` writes, by path: the charts, their overviews, and the pages that hold one. */
export async function chartFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  const mermaids = new Map<string, string>()
  for (const { machine, direction, description } of DRAWN) {
    const chart = readChart(machine)
    const mermaid = mermaidOf(chart)
    mermaids.set(chart.name, mermaid)
    files.set(`docs/machines/${chart.name}.mmd`, mermaid)
    const layout = await layoutOf(chart, direction)
    files.set(`docs/machines/${chart.name}.svg`, svgOf(chart, layout, description))
  }
  for (const { machine, description } of DRAWN) {
    if (!ON_PAGE.includes(machine)) continue
    const chart = overviewOf(readChart(machine))
    const layout = await layoutOf(chart, 'DOWN')
    files.set(`src/page/charts/${chart.name}.svg`, svgOf(chart, layout, description))
  }
  for (const page of PAGES) {
    files.set(page, withMermaid(await readFile(new URL(page, ROOT), 'utf8'), mermaids))
  }
  return files
}

const PAGES = ['README.md', 'docs/machines/README.md']

/** Replaces what stands between `<!-- chart NAME -->` and `<!-- chart end -->`. */
function withMermaid(page: string, mermaids: ReadonlyMap<string, string>): string {
  return page.replaceAll(
    /(<!-- chart (\w+) -->\n)[^]*?(<!-- chart end -->)/g,
    (_, start: string, name: string, end: string) => {
      const mermaid = mermaids.get(name)
      if (mermaid === undefined) throw new Error(`there is no machine "${name}" to draw`)
      return `${start}\n\`\`\`mermaid\n${mermaid}\`\`\`\n\n${end}`
    },
  )
}
