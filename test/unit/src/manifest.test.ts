import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import {
  allContextValues,
  COMMAND_IDS,
  CONTEXT_DEFAULTS,
  SETTINGS,
  SETTINGS_SECTION,
  VIEWS,
} from '../../../src/contributions.ts';

const menuItem = z.object({ command: z.string(), when: z.string().optional() });
const manifestSchema = z.object({
  contributes: z.object({
    commands: z.array(z.object({ command: z.string(), category: z.string(), title: z.string() })),
    views: z.record(z.string(), z.array(z.object({ id: z.string() }))),
    viewsWelcome: z.array(z.object({ view: z.string(), contents: z.string(), when: z.string() })),
    menus: z.record(z.string(), z.array(menuItem)),
    configuration: z.object({ properties: z.record(z.string(), z.object({ scope: z.string() })) }),
  }),
  capabilities: z.object({
    untrustedWorkspaces: z.object({ restrictedConfigurations: z.array(z.string()) }),
  }),
});

const manifestText = readFileSync('package.json', 'utf8');
const { contributes, capabilities } = manifestSchema.parse(JSON.parse(manifestText));
const texts = z
  .record(z.string(), z.string())
  .parse(JSON.parse(readFileSync('package.nls.json', 'utf8')));
const sorted = (values: Iterable<string>) => [...values].sort();

describe('the manifest', () => {
  it('declares exactly the commands that code registers', () => {
    const declared = contributes.commands.map(({ command }) => command);
    assert.deepEqual(sorted(declared), sorted(COMMAND_IDS));
  });

  it('gives every command the category', () => {
    for (const { command, category } of contributes.commands) {
      assert.equal(category, 'Interlock', command);
    }
  });

  it('declares exactly the views and settings that code uses', () => {
    const views = Object.values(contributes.views).flat();
    assert.deepEqual(sorted(views.map(({ id }) => id)), sorted(Object.values(VIEWS)));
    const settings = Object.values(SETTINGS).map((key) => `${SETTINGS_SECTION}.${key}`);
    assert.deepEqual(sorted(Object.keys(contributes.configuration.properties)), sorted(settings));
  });

  it('has a text for each key, and no text that nothing uses', () => {
    const used = new Set([...manifestText.matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key ?? ''));
    assert.deepEqual(sorted(used), sorted(Object.keys(texts)));
  });

  it('offers only commands that exist', () => {
    const known = new Set<string>(COMMAND_IDS);
    const links = Object.values(texts)
      .join('\n')
      .matchAll(/\(command:(interlock\.[\w.]+)/g);
    const offered = [
      ...Object.values(contributes.menus).flatMap((items) => items.map(({ command }) => command)),
      ...[...links].map(([, command]) => command ?? ''),
    ];
    for (const command of offered) assert.ok(known.has(command), command);
  });

  it('matches each viewItem pattern with at least one kind of row', () => {
    const values = allContextValues();
    for (const { when = '' } of contributes.menus['view/item/context'] ?? []) {
      const pattern = /viewItem =~ \/(.+)\/$/.exec(when)?.[1];
      assert.ok(pattern !== undefined, when);
      const regex = new RegExp(pattern);
      assert.ok(
        values.some((value) => regex.test(value)),
        when,
      );
    }
  });

  it('uses only context keys that have a value from the start', () => {
    const keys = new Set(Object.keys(CONTEXT_DEFAULTS));
    const clauses = [...manifestText.matchAll(/"(?:when|enablement)": "([^"]+)"/g)].map(
      ([, clause]) => clause ?? '',
    );
    assert.ok(clauses.length > 0);
    for (const clause of clauses) {
      for (const [key] of clause.matchAll(/interlock\.(?!views)[\w.]+/g)) {
        assert.ok(keys.has(key), `${key} in ${clause}`);
      }
    }
  });

  it('restricts every setting that names a program, a folder or a server', () => {
    const machine = Object.entries(contributes.configuration.properties)
      .filter(([, { scope }]) => scope === 'machine-overridable')
      .map(([name]) => name);
    assert.deepEqual(
      sorted(capabilities.untrustedWorkspaces.restrictedConfigurations),
      sorted(machine),
    );
  });

  it('names only pictures and pages that are there', () => {
    for (const [, file] of manifestText.matchAll(/"(media\/[^"]+)"/g)) {
      assert.ok(existsSync(file ?? ''), file);
    }
  });
});
