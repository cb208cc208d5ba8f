import { createRoot } from 'react-dom/client'
import { App } from './page/App'
import { Session, SessionContext } from './page/session'
import 'uplot/dist/uPlot.min.css'
import './style/tokens.css'
import './style/page.css'
import './style/dialogs.css'
import './style/connect.css'
import './style/panels.css'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')

createRoot(root).render(
  <SessionContext value={new Session(window)}>
    <App />
  </SessionContext>,
)
