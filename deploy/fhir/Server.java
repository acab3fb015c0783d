import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import jakarta.persistence.EntityManagerFactory;
import java.util.Properties;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/**
 * HAPI FHIR's JPA server (R4) in Jetty on an H2 file: HAPI's own storage, search, transactions and paging; only the
 * parts are put together here. Usage: {@code Server <port> <data folder>}.
 */
@Configuration
@Import({
    JpaR4Config.class,
    HapiJpaConfig.class,
    ThreadPoolFactoryConfig.class,
    JpaBatch2Config.class,
    Batch2JobsConfig.class,
    // The in-process queue of batch jobs.
    SubscriptionChannelConfig.class,
})
public class Server {
    private static final int THREADS = 24;
    private static final int DATABASE_CONNECTIONS = 24;
    private static final int DEFAULT_PAGE = 20;
    private static final int LARGEST_PAGE = 500;

    public static void main(String[] arguments) throws Exception {
        var port = Integer.parseInt(arguments[0]);
        System.setProperty("lgsp.fhir.data", arguments[1]);

        var storage = new AnnotationConfigApplicationContext(Server.class);
        storage.registerShutdownHook();

        var jetty = new org.eclipse.jetty.server.Server(new QueuedThreadPool(THREADS));
        var connector = new ServerConnector(jetty);
        connector.setHost("127.0.0.1");
        connector.setPort(port);
        jetty.addConnector(connector);
        var servlets = new ServletContextHandler("/");
        servlets.addServlet(new ServletHolder(restfulServer(storage)), "/fhir/*");
        jetty.setHandler(servlets);
        jetty.setStopAtShutdown(true);
        jetty.start();
        jetty.join();
    }

    private static RestfulServer restfulServer(ApplicationContext storage) {
        var system = storage.getBean(IFhirSystemDao.class);
        var server = new RestfulServer(storage.getBean(FhirContext.class));
        server.registerProviders(storage.getBean(ResourceProviderFactory.class).createProviders());
        server.registerProvider(storage.getBean(IJpaSystemProvider.class));
        var capabilities = new JpaCapabilityStatementProvider(
            server,
            system,
            storage.getBean(JpaStorageSettings.class),
            storage.getBean(ISearchParamRegistry.class),
            storage.getBean(IValidationSupport.class));
        server.setServerConformanceProvider(capabilities);
        var paging = storage.getBean(DatabaseBackedPagingProvider.class);
        paging.setDefaultPageSize(DEFAULT_PAGE);
        paging.setMaximumPageSize(LARGEST_PAGE);
        server.setPagingProvider(paging);
        return server;
    }

    @Bean(destroyMethod = "close")
    DataSource dataSource() {
        var source = new BasicDataSource();
        source.setUrl("jdbc:h2:file:" + System.getProperty("lgsp.fhir.data") + "/fhir;DB_CLOSE_ON_EXIT=FALSE");
        source.setMaxTotal(DATABASE_CONNECTIONS);
        return source;
    }

    @Primary
    @Bean
    LocalContainerEntityManagerFactoryBean entityManagerFactory(
            DataSource source, ConfigurableListableBeanFactory beans, FhirContext context, JpaStorageSettings settings) {
        var factory = HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, context, settings);
        factory.setPersistenceUnitName("fhir");
        factory.setDataSource(source);
        var properties = new Properties();
        properties.put("hibernate.dialect", HapiFhirH2Dialect.class.getName());
        properties.put("hibernate.hbm2ddl.auto", "update");
        properties.put("hibernate.jdbc.batch_size", "50");
        // Full-text search (`_content`, `_text`) is not needed, and its index is the slowest part of a start.
        properties.put("hibernate.search.enabled", "false");
        factory.setJpaProperties(properties);
        return factory;
    }

    @Primary
    @Bean
    JpaTransactionManager transactionManager(EntityManagerFactory factory) {
        return new JpaTransactionManager(factory);
    }

    @Bean
    JpaStorageSettings storageSettings() {
        var settings = new JpaStorageSettings();
        // By default a search that was made within the last minute is answered with what it found then: a test would
        // not see what it has just loaded.
        settings.setReuseCachedSearchResultsForMillis(null);
        // Ids that the client chose may be all digits.
        settings.setResourceClientIdStrategy(JpaStorageSettings.ClientIdStrategyEnum.ANY);
        return settings;
    }

    @Bean
    PartitionSettings partitionSettings() {
        return new PartitionSettings();
    }

    @Bean
    SubscriptionSettings subscriptionSettings() {
        return new SubscriptionSettings();
    }
}
