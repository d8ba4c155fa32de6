package org.elasticsearch.plugins;

import java.util.List;
import org.elasticsearch.Version;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;

/** One plugin from the class path, none from folders. In this package, as what it overrides is not public. */
public class GivenPlugins extends PluginsService {
    private final List<LoadedPlugin> loaded;

    public GivenPlugins(Settings settings, Environment environment, Plugin plugin) {
        super(settings, environment.configFile(), null, null);
        String name = plugin.getClass().getName();
        PluginDescriptor descriptor = new PluginDescriptor(
            name, name, "0", Version.CURRENT, "17", name, null, List.of(), false, false, false, false
        );
        loaded = List.of(new LoadedPlugin(descriptor, plugin));
    }

    @Override
    protected List<LoadedPlugin> plugins() {
        return loaded == null ? List.of() : loaded; // asked by the constructor of the class above
    }
}
