using Diffusion;
using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Imaging;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Schedules;
using Diffusion.Training;

// Train on drawn shapes of ten kinds, 3 × 16 × 16.
using var shapes = new ShapesDataSet(size: 16);
using var loader = new DataLoader(shapes, batchSize: 16);
using var network = new UNet(UNetPresets.ForImages(channels: 3, size: 16, classes: 10, width: 8));
var (schedule, velocity) = (new RectifiedFlowSchedule(), Parameterization.Velocity());
var objective = new DenoisingObjective(schedule, velocity) { ConditionDropout = 0.1 };
var settings = new TrainingSettings { Steps = 20, Condition = TrainingSettings.ForClasses(10) }; // a few; minutes make good pictures
using var run = new TrainingRun(network, objective, loader, settings);
run.Train(new Progress<TrainingProgress>(now => Console.WriteLine($"step {now.Step}, loss {now.Loss:f3}")));
run.Averages[0].CopyTo(network);

// Save the model with all that it takes to sample it.
var description = new ModelDescription(schedule, velocity, 3, 16, 16) { ClassNames = shapes.ClassNames!, NullClass = 10, DataRange = 1 };
using (var trained = new DiffusionModel(network, description)) trained.Save("model");

// Load it, as another program would, and draw four stars.
using var model = DiffusionModel.Load("model");
using var stars = model.Sample(count: 4, label: 3, seed: 1, steps: 5);
using var sheet = ImageGrid.Make(stars, scale: 4);
ImageFile.Write(sheet, "stars.png");
Console.WriteLine($"stars.png after {run.Step} steps: {string.Join(" × ", stars.shape)}");
