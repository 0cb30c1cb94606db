import { textsOf } from '../../i18n';
import { en } from './texts.en';
import { zh } from './texts.zh';

export const useTexts = textsOf({ en, zh });
