/** The whole window: sidebar, tabs with the terminal, panel, status bar, and what floats above them. */
import { Tooltip } from 'radix-ui';
import { useApp } from '../state/store.ts';
import { ActorsPanel } from './actors-panel.tsx';
import { ApprovalsPanel } from './approvals-panel.tsx';
import { Dialogs } from './dialogs.tsx';
import { FilesPanel } from './files-panel.tsx';
import { HistoryPanel } from './history-panel.tsx';
import { Palette } from './palette.tsx';
import { PortsPanel } from './ports-panel.tsx';
import { ProcessesPanel } from './processes-panel.tsx';
import { QuestionDialogs } from './question-dialogs.tsx';
import { SearchEverywhere } from './search-everywhere.tsx';
import { Sidebar } from './sidebar.tsx';
import { StatusBar } from './status-bar.tsx';
import { Tabs } from './tabs.tsx';
import { TerminalArea } from './terminal-area.tsx';
import { Toasts } from './toasts.tsx';

export function App() {
  const hasSidebar = useApp((state) => state.preferences.sidebar);
  const panel = useApp((state) => state.preferences.panel);
  return (
    <Tooltip.Provider delayDuration={400} disableHoverableContent>
      <div className="window">
        {hasSidebar && <Sidebar />}
        <div className="middle">
          <Tabs />
          <TerminalArea />
        </div>
        {panel === 'actors' && <ActorsPanel />}
        {panel === 'history' && <HistoryPanel />}
        {panel === 'approvals' && <ApprovalsPanel />}
        {panel === 'files' && <FilesPanel />}
        {panel === 'ports' && <PortsPanel />}
        {panel === 'processes' && <ProcessesPanel />}
        <StatusBar />
      </div>
      <Palette />
      <SearchEverywhere />
      <Dialogs />
      <QuestionDialogs />
      <Toasts />
    </Tooltip.Provider>
  );
}
