import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { Lazy } from './app/Lazy';
import { guest } from './guest';
import './styles/index.css';

createRoot(document.getElementById('root')!).render(<StrictMode>{guest ? <Lazy id="shared" load={() => import('./shared/Shared')} props={{}} /> : <App />}</StrictMode>);
