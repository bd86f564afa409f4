/** How the page looks before anybody chose. */
import type { Preferences } from '../../preload/api.ts';

export const DEFAULT_PREFERENCES: Preferences = {
  theme: 'system',
  fontSize: 13,
  tabs: [],
  activeTab: null,
  hosts: [],
  sidebar: true,
  panel: 'actors',
  echoPrediction: 'slow',
};
