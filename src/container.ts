import * as path from 'node:path';
import * as vscode from 'vscode';
import { systemClock } from '../agent/common/clock.ts';
import { requests } from '../agent/protocol/api.ts';
import type { JobRow } from '../agent/protocol/model.ts';
import { canonicalWorkspace, defaultStateFolder } from '../agent/protocol/stateFolder.ts';
import type { ExtensionState, InterlockApi } from './api.ts';
import { registerCommands } from './commands/registry.ts';
import { readSettings, RESTART_SETTINGS, type Settings } from './config.ts';
import { AgentService } from './connection/agentService.ts';
import { extensionState } from './connection/extensionState.ts';
import { watchAgentRecord } from './connection/recordWatcher.ts';
import type { AgentTarget } from './connection/target.ts';
import { ContextKeys } from './context.ts';
import { SETTINGS_SECTION } from './contributions.ts';
import { DebugSessions } from './debug/debugSessions.ts';
import { HandlerLenses } from './debug/handlerLenses.ts';
import { LaunchProvider } from './debug/launchProvider.ts';
import { PayloadDocuments } from './debug/payloadDocuments.ts';
import { rerunWithPayload } from './debug/rerunWithPayload.ts';
import { DisposableStore, type Disposable } from './disposable.ts';
import { VirtualDocuments } from './documents/virtualDocuments.ts';
import { scoped } from './logging.ts';
import { AgentTime } from './model/agentTime.ts';
import { DecisionList } from './model/decisionList.ts';
import { jobKey } from './model/jobKey.ts';
import { LockList } from './model/lockList.ts';
import { Pages } from './model/pages.ts';
import { RateMeter } from './model/rateMeter.ts';
import type { StoreChanges } from './model/store.ts';
import { SymbolList } from './model/symbolList.ts';
import { Notices } from './notices.ts';
import type { StatusSubject } from './present/statusText.ts';
import { StatusBar } from './statusBar.ts';
import { Explorer } from './views/explorer.ts';
import type { ViewData } from './views/treeNode.ts';
import { chooseFolder, CONFIG_FILE, hasConfig } from './workspace.ts';

/** The composition root: makes every part, and tells them of changes around them. */
export class Container implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly channel = this.disposables.add(
    vscode.window.createOutputChannel('Interlock', { log: true }),
  );
  private readonly context = new ContextKeys();
  private readonly agent = this.disposables.add(
    new AgentService(systemClock, scoped(this.channel, 'agent')),
  );
  private readonly time = new AgentTime(systemClock);
  private readonly rates = new RateMeter();
  private readonly drops = new RateMeter();
  private readonly pages = new Pages<JobRow>(jobKey);
  private readonly locks = new LockList(this.agent.store, this.time);
  private readonly decisions = new DecisionList(this.agent.store);
  private readonly symbols = new SymbolList(() => this.agent.client, systemClock);
  private readonly explorer: Explorer;
  private readonly statusBar: StatusBar;
  private readonly notices: Notices;
  private recordWatcher: Disposable | undefined;
  private folder: vscode.WorkspaceFolder | undefined;
  private settings: Settings;

  constructor(private readonly extension: vscode.ExtensionContext) {
    this.folder = chooseFolder(vscode.workspace.workspaceFolders);
    this.settings = readSettings(this.folder);
    const t = vscode.l10n.t;
    const { agent, time, rates, pages, locks, decisions, symbols } = this;
    const data: ViewData = {
      store: agent.store,
      pages,
      locks,
      decisions,
      symbols,
      time,
      rates,
      t,
      isStale: () => agent.isStale,
    };
    // Before the views: they read the clock and the rates that this keeps.
    this.disposables.add(agent.onDidChangeRows((changes) => this.onRows(changes)));
    this.explorer = this.disposables.add(new Explorer(agent, data, this.context, systemClock));
    this.statusBar = this.disposables.add(
      new StatusBar(() => this.statusSubject(), systemClock, t),
    );
    this.notices = new Notices(agent, () => this.channel.show());
    this.disposables.add(agent.onDidChangePhase(() => this.onPhase()));
    const folder = () => this.folder;
    const programFolder = path.join(this.extension.extensionPath, 'dist');
    const sessions = this.disposables.add(
      new DebugSessions({
        ...{ agent, folder, programFolder, clock: systemClock },
        log: scoped(this.channel, 'debug'),
      }),
    );
    const payloads = this.disposables.add(
      new PayloadDocuments(
        (edited, how) => rerunWithPayload(agent, sessions, edited, how),
        async (type, text) => agent.client.request(requests.checkPayload, { type, text }),
      ),
    );
    this.disposables.add(new HandlerLenses(agent, folder));
    this.disposables.add(new LaunchProvider(agent, sessions));
    this.disposables.add(
      registerCommands({
        agent,
        data,
        sessions,
        payloads,
        explorer: this.explorer,
        documents: this.disposables.add(new VirtualDocuments()),
        resources: this.disposables.add(new DisposableStore()),
        log: this.channel,
        folder,
        showLog: () => this.channel.show(),
      }),
    );
    this.watchSurroundings();
  }

  /** Looks for an agent, and starts one where that is wanted. Returns at once. */
  begin(): void {
    this.readSurroundings();
    if (this.folder === undefined) this.agent.nothingToDo();
    else this.agent.dispatch({ type: 'wanted', want: this.wantsAgent() ? 'run' : 'watch' });
  }

  /** @param activationMs what it took to get here */
  api(activationMs: number): InterlockApi {
    this.channel.info(`activated in ${activationMs.toFixed(1)} ms`);
    return {
      activationMs,
      ready: this.agent.ready,
      state: () => this.state(),
      snapshot: () => this.agent.store.snapshot(),
      treeOf: (viewId) => this.explorer.rows(viewId),
      selectionOf: (viewId) => this.explorer.selection(viewId),
    };
  }

  dispose(): void {
    this.recordWatcher?.dispose();
    this.disposables.dispose();
  }

  private state(): ExtensionState {
    return extensionState(this.agent.phase, {
      hasFolder: this.folder !== undefined,
      trusted: vscode.workspace.isTrusted,
      hasSubject: this.hasSubject(),
      redis: this.agent.store.agent?.redis.state,
    });
  }

  private hasSubject(): boolean {
    const redisUrl = this.settings.redisUrl ?? process.env['REDIS_URL'] ?? '';
    return hasConfig(this.folder) || redisUrl !== '';
  }

  private wantsAgent(): boolean {
    return vscode.workspace.isTrusted && this.hasSubject() && this.settings.autoStart;
  }

  private readSurroundings(): void {
    this.folder = chooseFolder(vscode.workspace.workspaceFolders);
    this.settings = readSettings(this.folder);
    this.agent.setTarget(this.target());
    this.showState();
  }

  private target(): AgentTarget | undefined {
    if (this.folder === undefined) return undefined;
    const workspace = canonicalWorkspace(this.folder.uri.fsPath);
    return {
      agentFile: path.join(this.extension.extensionPath, 'dist', 'agent.js'),
      workspace,
      stateFolder: this.settings.stateFolder ?? defaultStateFolder(workspace),
      nodePath: this.settings.nodePath,
      redisUrl: this.settings.redisUrl,
      idleExitMs: this.settings.agentIdleExitMs,
      switches: this.settings.switches,
      version: versionOf(this.extension.extension.packageJSON),
    };
  }

  private watchSurroundings(): void {
    const { workspace, window } = vscode;
    const configFiles = this.disposables.add(
      workspace.createFileSystemWatcher(`**/${CONFIG_FILE}`),
    );
    this.disposables.add(configFiles.onDidCreate(() => this.begin()));
    this.disposables.add(configFiles.onDidDelete(() => this.readSurroundings()));
    this.disposables.add(configFiles.onDidChange(() => this.onConfigEdited()));
    this.disposables.add(workspace.onDidGrantWorkspaceTrust(() => this.begin()));
    this.disposables.add(workspace.onDidChangeWorkspaceFolders(() => this.onFoldersChanged()));
    this.disposables.add(workspace.onDidChangeConfiguration((event) => this.onSettings(event)));
    this.disposables.add(
      window.onDidChangeWindowState(({ focused }) => {
        if (focused) this.agent.dispatch({ type: 'agentMayBeThere' });
      }),
    );
  }

  /** A running agent reads its config itself; one that could not start gets another chance. */
  private onConfigEdited(): void {
    if (this.agent.problem?.kind === 'badConfig') this.begin();
  }

  private onFoldersChanged(): void {
    const before = this.folder?.uri.toString();
    if (chooseFolder(vscode.workspace.workspaceFolders)?.uri.toString() !== before) this.begin();
  }

  private onSettings(event: vscode.ConfigurationChangeEvent): void {
    if (!event.affectsConfiguration(SETTINGS_SECTION)) return;
    const restart = RESTART_SETTINGS.some((setting) => event.affectsConfiguration(setting));
    if (restart && this.agent.phase.kind === 'connected') {
      void this.notices.offerRestart(() => this.readSurroundings());
    } else if (restart) {
      this.begin();
    } else {
      this.settings = readSettings(this.folder);
    }
  }

  private onRows(changes: StoreChanges): void {
    for (const { after } of changes.agent.values()) {
      if (after !== undefined) this.time.observe(after.now);
    }
    for (const [name, { after }] of changes.streams) {
      if (after === undefined) {
        for (const meter of [this.rates, this.drops]) meter.forget(name);
      } else {
        this.rates.observe(name, after.batches, this.time.now());
        this.drops.observe(name, after.totalDropped, this.time.now());
      }
    }
    for (const key of changes.jobs.keys()) this.pages.drop(key);
    this.locks.onRows(changes);
    this.decisions.onRows(changes);
    if (changes.agent.size > 0) {
      this.showState();
      this.notices.onAgentRow();
    }
    this.statusBar.update();
  }

  private onPhase(): void {
    const { kind } = this.agent.phase;
    if (kind === 'looking' || kind === 'launching') this.time.reset();
    if (kind === 'idle' || kind === 'failed') {
      for (const loaded of [this.pages, this.locks, this.decisions, this.symbols]) loaded.clear();
    }
    this.recordWatcher?.dispose();
    this.recordWatcher =
      kind === 'idle' && this.agent.target !== undefined
        ? watchAgentRecord(this.agent.target.stateFolder, () =>
            this.agent.dispatch({ type: 'agentMayBeThere' }),
          )
        : undefined;
    this.showState();
    this.notices.onPhase();
    this.statusBar.update();
  }

  private showState(): void {
    const state = this.state();
    this.context.set('interlock.state', state);
    const problem = this.agent.problem?.kind;
    this.context.set(
      'interlock.problem',
      problem ?? (state === 'redisUnreachable' ? state : 'none'),
    );
    this.context.set('interlock.hasConfig', hasConfig(this.folder));
  }

  private droppingStreams(): string[] {
    const nowMs = this.time.now();
    return [...this.agent.store.rows('streams').keys()].filter(
      (name) => (this.drops.perSecond(name, nowMs) ?? 0) > 0,
    );
  }

  private statusSubject(): StatusSubject {
    return {
      state: this.state(),
      problem: this.agent.problem,
      store: this.agent.store,
      dropping: this.droppingStreams(),
      nowMs: this.time.now(),
    };
  }
}

function versionOf(manifest: unknown): string {
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest))
    return 'unknown';
  return String(manifest.version);
}
