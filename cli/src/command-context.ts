import type { CatalogService } from '@floecat/catalog';
import { openCatalogService } from '@floecat/catalog';
import type { OpenStorageOptions, Settings, SettingsInput } from '@floecat/config';
import { loadSettings, openStorage } from '@floecat/config';
import type { Storage } from '@floecat/storage-spi';

import type { CliIo } from './cli-io.ts';
import { Output } from './output.ts';

/** What every command needs: the settings, the opened stores, the output. */
export class CommandContext {
  readonly io: CliIo;
  readonly input: SettingsInput;
  readonly output: Output;
  /** With what the command ends if nothing is thrown. */
  exitCode = 0;

  constructor(io: CliIo, { args, json }: { readonly args: readonly string[]; readonly json: boolean }) {
    this.io = io;
    this.input = { args, env: io.env, cwd: io.cwd };
    this.output = new Output(io, json);
  }

  /** The settings of this process. Throws where something is wrong with them. */
  settings(): Settings {
    return loadSettings(this.input);
  }

  /** Opens the stores, runs `work` and closes them again, whatever happens. */
  async withStorage<T>(
    work: (storage: Storage, settings: Settings) => Promise<T>,
    options: OpenStorageOptions = {},
  ): Promise<T> {
    const settings = this.settings();
    await using storage = await openStorage(settings, options);
    return await work(storage, settings);
  }

  async withService<T>(work: (service: CatalogService) => Promise<T>): Promise<T> {
    return this.withStorage(async (storage, settings) => {
      await using service = await openCatalogService(storage, settings);
      return await work(service);
    });
  }
}
