// The client Hydrogen as its package has it: the whole application, with verification of sessions switched on.
import { FeatureFlag, FeatureSet, Platform, RootViewModel, createNavigation, createRouter } from 'hydrogen-view-sdk';

const assetPaths = {
    downloadSandbox: 'assets/download-sandbox.html',
    worker: 'assets/main.js',
    olm: { wasm: 'olm/olm.wasm', legacyBundle: 'olm/olm_legacy.js', wasmBundle: 'olm/olm.js' },
    serviceWorker: 'sw.js',
};
const config = { defaultHomeServer: document.body.dataset.homeserver };
const platform = new Platform({ container: document.body, assetPaths, config, options: { development: false } });
const navigation = createNavigation();
platform.setNavigation(navigation);
await platform.init();
const urlRouter = createRouter({ navigation, history: platform.history });
urlRouter.attach();
const features = new FeatureSet().withFeature(FeatureFlag.CrossSigning);
const root = new RootViewModel({ platform, urlRouter, navigation, features });
platform.createAndMountRootView(root);
await root.load();
