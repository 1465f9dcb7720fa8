import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { selectBridge } from './bridge/select-bridge.ts';
import { applyTheme, readThemeChoice } from './store/theme.ts';
import './styles/tokens.css';
import './styles/base.css';

const root = document.querySelector('#root');
if (root === null) throw new Error('The page has no element #root.');
applyTheme(readThemeChoice());
createRoot(root).render(
  <StrictMode>
    <App bridges={selectBridge()} />
  </StrictMode>,
);
