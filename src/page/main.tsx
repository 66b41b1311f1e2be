import { render } from 'preact'
import { App } from './app.tsx'
import { Guarded } from './guarded.tsx'

const place = document.getElementById('page')
if (place !== null) {
  render(
    <Guarded>
      <App />
    </Guarded>,
    place,
  )
}
