import { measureAbort, measureFailover } from './failover.ts'
import { measureFiles } from './files.ts'
import { measureInspector } from './inspector.ts'
import { measureLatency, measureParallel } from './latency.ts'
import { measureLivePage } from './live-page.ts'
import { measureMemory } from './memory.ts'
import { measureLoad } from './load.ts'
import { measurePackage } from './package.ts'
import { measureSelection } from './selection.ts'
import { measureStreams } from './streams.ts'
import { printTable } from './table.ts'

// Latency first: what the others leave in the heap is none of its business.
const rows = [
  ...(await measureLatency(3)),
  ...(await measureLatency(100)),
  ...(await measureParallel()),
  ...(await measureFailover()),
  ...(await measureAbort()),
  ...(await measureMemory()),
  ...(await measureLoad()),
  ...(await measureStreams()),
  ...(await measureFiles()),
  ...(await measureInspector()),
  ...(await measureLivePage()),
  ...measureSelection(),
  ...measurePackage(),
]
process.exitCode = printTable(rows) ? 0 : 1
