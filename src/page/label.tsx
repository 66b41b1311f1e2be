import { Fragment } from 'preact'

/** An account's name, which may be anybody's words; a long one breaks at its signs first. */
export function Label({ label }: { readonly label: string }) {
  const [first = '', ...more] = label.split(/(?<=[@._-])/)
  return (
    <bdi>
      {first}
      {more.map((part, at) => (
        <Fragment key={at}>
          <wbr />
          {part}
        </Fragment>
      ))}
    </bdi>
  )
}
