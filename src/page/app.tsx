import { useEffect, useState } from 'preact/hooks'
import type { Picture } from '../inspect/picture.ts'
import { type Choice, firstChoice, keepChoice, keptChoice } from './choice.ts'
import { Connection } from './connection.tsx'
import { useLive } from './live.ts'
import { Pool } from './pool.tsx'
import { titleOf } from './title.ts'

/** The whole page. */
export function App() {
  const { picture, link, now, skew } = useLive()
  // Undefined until there is something to choose; null once the person has closed it.
  const [made, setChoice] = useState<Choice | null | undefined>(undefined)
  const [kept] = useState(keptChoice)
  const choice = made === undefined ? firstChoice(picture, kept) : made
  const title = titleOf(picture, link)

  useEffect(() => {
    document.title = title
  }, [title])
  useEffect(() => {
    // It stays the first one when another account comes into use.
    if (made === undefined) setChoice(choice)
  }, [made, choice])

  function choose(next: Choice | null): void {
    setChoice(next)
    keepChoice(next)
  }

  return (
    <div class={link.kind === 'lost' ? 'page is-old' : 'page'}>
      <Masthead picture={picture} />
      <Connection link={link} pid={picture?.pid} now={now} skew={skew} />
      <main id="accounts">
        <Problems picture={picture} />
        {picture?.pools.map((pool) => (
          <Pool
            key={pool.provider}
            pool={pool}
            now={now}
            asOf={link.kind === 'lost' ? picture.now : undefined}
            chosen={choice?.provider === pool.provider ? choice.id : undefined}
            onChoose={(id) => choose(id === undefined ? null : { provider: pool.provider, id })}
          />
        ))}
        {picture?.pools.length === 0 && (
          <p class="empty">
            No pool of accounts is open in this OpenCode now. The next request opens it, and it
            shows here by itself.
          </p>
        )}
      </main>
      <footer class="colophon">
        <p>
          {picture === undefined ? 'One OpenCode process' : `OpenCode process ${picture.pid}`} shows
          this page to this machine alone. No token or key is ever in it.
        </p>
      </footer>
    </div>
  )
}

function Masthead({ picture }: { readonly picture: Picture | undefined }) {
  const pools = picture?.pools ?? []
  return (
    <header class="masthead">
      <h1>
        opencode-<b>rota</b>
      </h1>
      <nav aria-label="On this page">
        {pools.map(({ provider, name, timeline }) => (
          <span key={provider}>
            <a href={`#${provider}`}>{name}</a>
            {timeline.length > 0 && (
              <a class="skip" href={`#${provider}-timeline`}>
                {name}: what happened
              </a>
            )}
          </span>
        ))}
      </nav>
    </header>
  )
}

function Problems({ picture }: { readonly picture: Picture | undefined }) {
  const problems = picture?.pools.filter(({ problem }) => problem !== '') ?? []
  return (
    <div role="alert">
      {problems.map(({ provider, name, problem, accounts }) => (
        <p key={provider} class="notice is-problem">
          <strong>The {name} accounts file cannot be read.</strong> {problem}
          {accounts.length > 0 && ' The accounts below are as they were when it was last read.'}
        </p>
      ))}
    </div>
  )
}
