import type { ComponentChildren } from 'preact'
import { useErrorBoundary } from 'preact/hooks'

/** Says so when its content cannot be drawn: an empty page would tell nobody anything. */
export function Guarded({ children }: { readonly children: ComponentChildren }) {
  const [fault] = useErrorBoundary()
  if (fault === undefined) return children
  const what: unknown = fault
  return (
    <main class="page">
      <section class="notice is-problem" aria-label="Fault">
        <p role="alert">
          <strong>This page has a fault and cannot show your accounts.</strong> OpenCode and your
          requests go on as before.
        </p>
        <p class="aside">{what instanceof Error ? what.message : String(what)}</p>
        <p>
          <button type="button" class="more" onClick={() => location.reload()}>
            Load the page again
          </button>
        </p>
      </section>
    </main>
  )
}
